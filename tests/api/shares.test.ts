/** Links to files: made, listed and ended by those who may share them; opened, unlocked and downloaded by whoever has one. */
import { expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { now } from "../../src/clock";
import { hot, type Params, type Query } from "../../src/db/hot";
import { dropPreviews } from "../../src/features/files/contents-store";
import { dot, pictured, sha256, upload } from "../support/files";
import { idle } from "../support/jobs";
import { inWorld, scenarios, type Answer, type Scenario, type World } from "../support/scenario";
import { share, visit } from "../support/shares";

const digits = "0123456789";
const phrase = "told on the phone";
const path = "/api/files/$digits/share";

const given = {
  clients: { acme: { assigned_to: "$minh" } },
  tasks: { call: { assigned_to: "$minh" } },
  once: async (world: World) => {
    await upload(world, "lan", "digits.txt", digits, { task_id: "$call" });
    await upload(world, "lan", "offer.txt", "an offer", { client_id: "$acme" });
    const { id } = await upload(world, "lan", "dot.png", dot);
    await pictured(world, "lan", id);
  },
};

const dropContents = hot(
  ({ t: { contents }, q }, p: Params<{ hash: string }>) =>
    q.delete(contents).where(eq(contents.hash, p.hash)) as Query<never>,
);

const inDays = (days: number) => new Date(now() + days * 86_400_000).toISOString();

/** How a link is made, and what comes of it. */
const making = (body: object, has: object): Scenario => ({
  ...{ by: "lan", name: JSON.stringify(body), post: path, body, status: 201, has, events: ["file.shared"] },
});

const refusing = (body: object, field: string, fieldCode: string): Scenario => ({
  ...{ by: "lan", name: JSON.stringify(body), post: path, body, status: 422, events: [] },
  problem: { code: "validation_failed", field, fieldCode },
});

scenarios("making a link", given, [
  {
    ...making({}, { file_id: "$digits", created_by: "$lan", state: "open", has_password: false }),
    then: ({ server }, { json, headers }) => {
      expect(json.token).toMatch(/^[\w-]{22}$/);
      expect(json.url).toBe(`${server.url}/s/${json.token}`);
      expect(headers.get("location")).toBe(`/api/files/${json.file_id}/share?filter%5Bid%5D=${json.id}`);
      const days = (Date.parse(json.expires_at) - Date.parse(json.created_at)) / 86_400_000;
      expect(Math.round(days)).toBe(30);
      expect(json).toMatchObject({ view_only: false, max_downloads: null, downloads: 0, revoked_at: null });
    },
  },
  making({ expires_at: null }, { expires_at: null }),
  making({ expires_at: "2099-05-04T16:00:00+07:00" }, { expires_at: "2099-05-04T09:00:00.000Z" }),
  making({ password: phrase, max_downloads: 2 }, { has_password: true, max_downloads: 2 }),
  making({ password: null, view_only: true }, { has_password: false, view_only: true }),
  refusing({ expires_at: "2020-01-01T00:00:00Z" }, "expires_at", "invalid_instant"),
  refusing({ expires_at: "tomorrow" }, "expires_at", "invalid_instant"),
  refusing({ password: "short" }, "password", "too_short"),
  refusing({ password: "1234567890" }, "password", "too_common"),
  refusing({ max_downloads: 0 }, "max_downloads", "invalid_type"),
  refusing({ view_only: true, max_downloads: 1 }, "max_downloads", "unexpected"),
  refusing({ token: "mine" }, "token", "unknown_field"),
  {
    ...{ by: "lan", post: path, body: {}, key: "share-1", status: 422, events: [] },
    problem: { code: "idempotency_unsupported" },
  },
  // Whoever works on what a file belongs to may share it; whoever only sees it may not.
  { by: "minh", post: path, body: {}, status: 201 },
  { by: "manager", post: path, body: {}, status: 201 },
  { by: "stranger", post: path, body: {}, status: 404, events: [] },
  { by: "stranger", post: "/api/files/$offer/share", body: {}, status: 403, events: [] },
  { by: "minh", post: "/api/files/$dot/share", body: {}, status: 404, events: [] },
  { by: "stranger", get: "/api/files/$offer/share", status: 403 },
  {
    ...{ by: "lan", name: "of a deleted file", post: path, body: {}, status: 410, events: [] },
    after: (world) => world.send("lan", "DELETE", "/api/files/$digits"),
  },
]);

inWorld("the links of a file", given, (world) => {
  test("are listed without what opens them, whoever made them", async () => {
    const { send } = world();
    const first = await share(world(), "lan", "digits", { password: phrase });
    const second = await share(world(), "minh", "digits", {});
    await share(world(), "lan", "offer", {});
    const { json, text } = await send("minh", "GET", path);
    expect(json.data.map(({ id }: { id: string }) => id)).toEqual([second.id, first.id]);
    for (const secret of [first.token, second.token, sha256(first.token), "argon2", "/s/"])
      expect(text).not.toContain(secret);
    expect(json.data[1]).toMatchObject({ has_password: true, created_by: world().ids["lan"] });
    const mine = await send("minh", "GET", `${path}?filter[created_by]=$minh&count=exact`);
    expect(mine.json.pagination.total).toBe(1);
    expect((await send("minh", "GET", `${path}?filter[hash]=x`)).status).toBe(400);
  });

  test("end one by one, and only once", async () => {
    const { send, events } = world();
    const link = await share(world(), "lan", "digits", {});
    const other = await share(world(), "lan", "digits", {});
    const target = `${path}/${link.id}`;
    expect((await send("stranger", "DELETE", target)).status).toBe(404);
    expect((await send("lan", "DELETE", `/api/files/$offer/share/${link.id}`)).status).toBe(404);
    expect((await visit(world(), link)).status).toBe(200);
    const before = (await events()).length;
    for (let i = 0; i < 2; i++) expect((await send("minh", "DELETE", target)).status).toBe(204);
    expect((await events()).slice(before).map(({ type }) => type)).toEqual(["file.share_revoked"]);
    expect((await visit(world(), link)).status).toBe(410);
    expect((await visit(world(), other)).status).toBe(200);
    const { json } = await send("lan", "GET", `${path}?filter[id]=${link.id}`);
    expect(json.data[0]).toMatchObject({ state: "revoked", revoked_at: expect.any(String) });
  });

  test("are a hundred at most at a time", async () => {
    const { send } = world();
    const first = await share(world(), "lan", "digits", {});
    for (let i = 0; i < 99; i++) await share(world(), "lan", "digits", {});
    const full = await send("lan", "POST", path, { body: {} });
    expect([full.status, full.json.code, full.json.most]).toEqual([409, "too_many_shares", 100]);
    await send("lan", "DELETE", `${path}/${first.id}`);
    expect((await send("lan", "POST", path, { body: {} })).status).toBe(201);
  });

  test("go with it when it is removed for good", async () => {
    const { send, server } = world();
    const link = await share(world(), "lan", "digits", {});
    await send("lan", "DELETE", "/api/files/$digits");
    await server.parts.purge({ records: -1 });
    expect((await visit(world(), link)).status).toBe(404);
  });
});

inWorld("the page of a link", given, (world) => {
  const headers = { accept: "text/html" };

  test("says what there is, who shared it and until when, and may run nothing", async () => {
    const link = await share(world(), "lan", "digits", { max_downloads: 3, expires_at: inDays(2) });
    const { status, text, headers: got } = await visit(world(), link, "", { headers });
    expect(status).toBe(200);
    for (const part of ["digits.txt", "10 bytes", "Text file", "Test lan", `/s/${link.token}/download`])
      expect(text).toContain(part);
    expect(text).toContain(`datetime="${link.expires_at}"`);
    expect(text).not.toContain("<script");
    expect(got.get("content-security-policy")).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; /);
    expect(got.get("content-security-policy")).not.toContain("script-src");
    expect(got.get("referrer-policy")).toBe("no-referrer");
    expect(got.get("x-robots-tag")).toBe("noindex, nofollow");
    expect(got.get("cache-control")).toBe("no-store");
  });

  test("is told as a visit of nobody's account", async () => {
    const { send, events } = world();
    const link = await share(world(), "lan", "digits", {});
    const before = (await events()).length;
    await visit(world(), link);
    await visit(world(), link, "", { method: "HEAD" });
    const [opened, ...others] = (await events()).slice(before);
    expect(others).toEqual([]);
    expect(opened).toMatchObject({
      ...{ type: "file.share_opened", actor_kind: "share", entity_id: world().ids["digits"] },
      changes: { share_id: [null, link.id] },
    });
    const { json } = await send("lan", "GET", "/api/activities/file/$digits");
    expect(json.data[0]).toMatchObject({
      ...{ actor: { id: null, full_name: "Somebody with a link" }, action: "share_opened" },
      description: "Somebody with a link opened a shared file.",
    });
    expect((await send("stranger", "GET", "/api/activities/file/$digits")).status).toBe(404);
    const asked = "/api/activities?filter[action][in]=shared,share_opened,share_downloaded,share_refused";
    const all = await send("admin", "GET", asked);
    expect(all.json.data.map(({ action }: { action: string }) => action)).toEqual(["share_opened", "shared"]);
  });

  test("shows what is in a name, and does not become it", async () => {
    await upload(world(), "lan", "x.txt", "x");
    await world().send("lan", "PATCH", "/api/files/$x", { body: { name: `<img src=x onerror="a"> & 'b'` } });
    const link = await share(world(), "lan", "x", {});
    const { text } = await visit(world(), link);
    expect(text).toContain("<h1>&lt;img src=x onerror=&quot;a&quot;&gt; &amp; &#x27;b&#x27;</h1>");
    expect(text).not.toContain("<img");
  });

  test("of a link that there is not, or not any more, says so", async () => {
    const link = await share(world(), "lan", "digits", { max_downloads: 1 });
    await visit(world(), link, "/download");
    const over = await fetch(`${world().server.url}/s/${link.token}`, { headers });
    expect([over.status, over.headers.get("content-type")]).toEqual([410, "text/html; charset=utf-8"]);
    expect(await over.text()).toContain("This link no longer works");
    for (const token of ["A".repeat(22), "short", `${link.token}x`, link.id]) {
      const none = await fetch(`${world().server.url}/s/${token}`, { headers });
      expect([token, none.status]).toEqual([token, 404]);
      expect(await none.text()).toContain("There is nothing here");
      const told = await world().send("nobody", "GET", `/s/${token}`);
      expect([told.status, told.json.code]).toEqual([404, "not_found"]);
    }
  });
});

inWorld("downloading by a link", given, (world) => {
  const cookieOf = ({ headers }: Answer) => headers.getSetCookie()[0]?.split(";")[0] ?? "";

  test("gives the bytes, to be saved, and counts", async () => {
    const link = await share(world(), "lan", "digits", {});
    const got = await visit(world(), link, "/download");
    expect([got.status, got.text]).toEqual([200, digits]);
    expect(got.headers.get("content-disposition")).toBe('attachment; filename="digits.txt"');
    expect(got.headers.get("content-security-policy")).toMatch(/^sandbox;/);
    expect(got.headers.get("cache-control")).toBe("no-store");
    expect(got.headers.getSetCookie()).toEqual([
      expect.stringMatching(
        new RegExp(
          `^neocrm_share_download=[\\w.-]+; Path=/s/${link.token}; Max-Age=86400; HttpOnly; SameSite=Lax$`,
        ),
      ),
    ]);
    const { json } = await world().send("lan", "GET", path);
    expect(json.data[0]).toMatchObject({ downloads: 1, state: "open" });
    expect((await world().events()).at(-1)!.type).toBe("file.share_downloaded");
  });

  test("is not counted where no bytes are sent", async () => {
    const link = await share(world(), "lan", "digits", { max_downloads: 1 });
    const etag = `"${sha256(digits)}"`;
    const ask = (method: string, headers: Record<string, string> = {}) =>
      visit(world(), link, "/download", { method, headers });
    expect((await ask("HEAD")).status).toBe(200);
    expect((await ask("GET", { "if-none-match": etag })).status).toBe(304);
    expect((await ask("GET", { range: "bytes=10-" })).status).toBe(416);
    expect((await ask("GET")).status).toBe(200);
    for (const method of ["GET", "HEAD"]) expect((await ask(method)).status).toBe(410);
    expect((await ask("GET", { "if-none-match": etag })).status).toBe(410);
  });

  test("can be gone on with after it broke off, and only by who began it", async () => {
    const link = await share(world(), "lan", "digits", { max_downloads: 1 });
    const ask = (range: string, cookie = "") =>
      visit(world(), link, "/download", { headers: { range, ...(cookie && { cookie }) } });
    const begun = await ask("bytes=0-3");
    expect([begun.status, begun.text]).toEqual([206, "0123"]);
    const cookie = cookieOf(begun);
    const rest = await ask("bytes=4-", cookie);
    expect([rest.status, rest.text]).toEqual([206, "456789"]);
    expect((await ask("bytes=4-")).status).toBe(410);
    expect((await ask("bytes=0-", cookie)).status).toBe(410);
    expect((await ask("bytes=4-", `${cookie.slice(0, -1)}x`)).status).toBe(410);
    const other = await share(world(), "lan", "digits", { max_downloads: 1 });
    await visit(world(), other, "/download");
    const foreign = { headers: { range: "bytes=4-", cookie } };
    expect((await visit(world(), other, "/download", foreign)).status).toBe(410);
  });

  test("of the last one left is won by one of many", async () => {
    const link = await share(world(), "lan", "digits", { max_downloads: 3 });
    const all = await Promise.all(Array.from({ length: 12 }, () => visit(world(), link, "/download")));
    const statuses = all.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(3);
    expect(statuses.filter((status) => status === 410)).toHaveLength(9);
    const { json } = await world().send("lan", "GET", path);
    expect(json.data[0]).toMatchObject({ downloads: 3, state: "used_up" });
  });

  test("is refused where the file is only shown", async () => {
    const link = await share(world(), "lan", "dot", { view_only: true });
    const { text } = await visit(world(), link);
    expect(text).toContain(`src="/s/${link.token}/preview"`);
    expect(text).not.toContain("/download");
    for (const headers of [{}, { range: "bytes=0-" }] as Record<string, string>[]) {
      const refused = await visit(world(), link, "/download", { headers });
      expect([refused.status, refused.json.code]).toEqual([403, "view_only"]);
    }
    const seen = await visit(world(), link, "/preview");
    expect([seen.status, seen.headers.get("content-type")]).toEqual([200, "image/webp"]);
    expect(seen.headers.get("content-disposition")).toBe("inline");
    expect(seen.headers.get("content-security-policy")).toMatch(/^sandbox;/);
    expect((await world().events()).at(-1)!.type).toBe("file.share_previewed");
    const none = await visit(world(), await share(world(), "lan", "digits", {}), "/preview");
    expect([none.status, none.json.code]).toEqual([404, "preview_unavailable"]);
  });
});

inWorld("the picture of a shared image", given, (world) => {
  /** As with bytes that came before there were previews. */
  const forgetContents = () =>
    world().server.parts.store.tx(async (session) => {
      const hash = sha256(dot);
      await dropPreviews.all(session, { hash });
      await dropContents.all(session, { hash });
    });

  test("is the large preview, and no other", async () => {
    const link = await share(world(), "lan", "dot", {});
    const large = await world().send("lan", "GET", "/api/files/preview/$dot?size=large");
    const seen = await visit(world(), link, "/preview");
    expect([seen.status, seen.headers.get("etag")]).toEqual([200, large.headers.get("etag")]);
    expect(seen.text).toBe(large.text);
    expect(seen.headers.get("cross-origin-resource-policy")).not.toBe("cross-origin");
  });

  test("is made when its page is opened, which says so meanwhile, in place of a picture", async () => {
    const link = await share(world(), "lan", "dot", { view_only: true });
    await idle(world());
    await forgetContents();
    const before = (await world().events()).length;
    const waiting = await visit(world(), link, "/preview");
    expect([waiting.status, waiting.json, waiting.headers.get("retry-after")]).toEqual([
      ...[202, { state: "pending" }, "1"],
    ]);
    expect(waiting.headers.get("cache-control")).toBe("no-store");
    expect((await world().events()).length).toBe(before);
    const { text } = await visit(world(), link);
    expect(text).toContain("A picture of it is being made.");
    expect(text).toContain(`href="/s/${link.token}"`);
    expect(text).not.toMatch(/<img|no picture/);
    await pictured(world(), "lan", world().ids["dot"]!);
    expect((await visit(world(), link, "/preview")).status).toBe(200);
    const made = await visit(world(), link);
    expect(made.text).toContain(`src="/s/${link.token}/preview"`);
    expect(made.text).not.toContain("being made");
  });

  test("is not to be had while it is made either, where the link has a password or is over", async () => {
    const locked = await share(world(), "lan", "dot", { password: phrase });
    const over = await share(world(), "lan", "dot", { max_downloads: 1 });
    await idle(world());
    await visit(world(), over, "/download");
    await forgetContents();
    expect((await visit(world(), locked, "/preview")).status).toBe(403);
    expect((await visit(world(), locked)).text).not.toMatch(/being made|dot\.png/);
    expect((await visit(world(), over, "/preview")).status).toBe(410);
    await idle(world());
    expect((await world().send("lan", "GET", "/api/files/preview/$dot")).status).toBe(202);
  });

  test("that there will be none of is not promised", async () => {
    const { id } = await upload(world(), "lan", "broken.png", dot.subarray(0, 20));
    await pictured(world(), "lan", id);
    const { text } = await visit(world(), await share(world(), "lan", "broken", { view_only: true }));
    expect(text).toContain("there is no picture of it to look at");
    expect(text).not.toMatch(/<img|being made/);
  });
});

inWorld("a link with a password", given, (world) => {
  test("opens with it: by its form, as JSON, or in a header", async () => {
    const link = await share(world(), "lan", "digits", { password: phrase });
    const page = await visit(world(), link);
    expect(page.status).toBe(200);
    expect(page.text).toContain('type="password"');
    expect(page.text).not.toContain("digits");
    for (const sent of [
      { raw: new URLSearchParams({ password: phrase }).toString(), headers: { "content-type": form } },
      { body: { password: phrase } },
    ]) {
      const opened = await visit(world(), link, "", { method: "POST", ...sent });
      expect([opened.status, opened.headers.get("location")]).toEqual([303, `/s/${link.token}`]);
      const [kept] = opened.headers.getSetCookie();
      expect(kept).toMatch(
        new RegExp(`^neocrm_share=[\\w.-]+; Path=/s/${link.token}; Max-Age=3600; HttpOnly; SameSite=Lax$`),
      );
      const cookie = kept!.split(";")[0]!;
      expect((await visit(world(), link, "", { headers: { cookie } })).text).toContain("digits.txt");
      const got = await visit(world(), link, "/download", { headers: { cookie: `a=b; ${cookie}` } });
      expect(got.text).toBe(digits);
    }
    const direct = await visit(world(), link, "/download", { headers: { "x-share-password": phrase } });
    expect([direct.status, direct.text]).toEqual([200, digits]);
  });

  test("may have any script in it", async () => {
    const password = "пароль для друга 🦊";
    const link = await share(world(), "lan", "digits", { password });
    const bytes = Buffer.from(password).toString("latin1");
    const got = await visit(world(), link, "/download", { headers: { "x-share-password": bytes } });
    expect(got.status).toBe(200);
  });

  test("says what is wrong with what was sent", async () => {
    const link = await share(world(), "lan", "digits", { password: phrase });
    const post = (raw: string | Uint8Array<ArrayBuffer>, type = form) =>
      visit(world(), link, "", { method: "POST", raw, headers: { "content-type": type } });
    const codes = async (answer: Promise<Answer>) => {
      const { status, json } = await answer;
      return [status, json.code];
    };
    expect(await codes(post("password=wrong"))).toEqual([403, "wrong_share_password"]);
    expect(await codes(post("password=a&password=b"))).toEqual([400, "malformed_form"]);
    expect(await codes(post(new Uint8Array([0x70, 0x3d, 0xff])))).toEqual([400, "malformed_form"]);
    expect(await codes(post("pass=x"))).toEqual([422, "validation_failed"]);
    expect(await codes(post("password=%00"))).toEqual([422, "validation_failed"]);
    expect(await codes(post(`password=${"x".repeat(20_000)}`))).toEqual([413, "body_too_large"]);
    expect(await codes(post("password", "text/plain"))).toEqual([415, "unsupported_media_type"]);
    const key = { "idempotency-key": "share-2" };
    const keyed = visit(world(), link, "", { method: "POST", body: { password: phrase }, headers: key });
    expect(await codes(keyed)).toEqual([422, "idempotency_unsupported"]);
    expect((await world().events()).at(-1)!.type).toBe("file.share_refused");
    const shown = await fetch(`${world().server.url}/s/${link.token}`, {
      ...{ method: "POST", body: new URLSearchParams({ password: "wrong" }) },
      headers: { accept: "text/html,*/*" },
    });
    expect(shown.status).toBe(403);
    expect(await shown.text()).toMatch(/role="alert">This is not the password of the link.*type="password"/s);
  });

  test("that has none takes any", async () => {
    const link = await share(world(), "lan", "digits", {});
    const opened = await visit(world(), link, "", { method: "POST", body: { password: "x" } });
    expect([opened.status, opened.headers.getSetCookie()]).toEqual([303, []]);
  });
});

const form = "application/x-www-form-urlencoded";

inWorld(
  "behind a public address over HTTPS",
  {
    ...given,
    env: { NEOCRM_SERVER_PUBLIC_URL: "https://crm.example.com", NEOCRM_SHARES_DAYS: "0" },
  },
  (world) => {
    test("links lead there, what browsers keep is for HTTPS alone, and links last as long as the setting says", async () => {
      const link = await share(world(), "lan", "digits", { password: phrase });
      expect(link).toMatchObject({ url: `https://crm.example.com/s/${link.token}`, expires_at: null });
      const opened = await visit(world(), link, "", { method: "POST", body: { password: phrase } });
      expect(opened.headers.getSetCookie()[0]).toMatch(/; SameSite=Lax; Secure$/);
    });
  },
);
