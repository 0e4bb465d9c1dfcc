/** Holes that servers with share links really had, one after the other: none of them is here. */
import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import { eq } from "drizzle-orm";
import { Passes } from "../../src/features/shares/passes";
import { fileTokenPattern } from "../support/shares";
import { FilePolicy } from "../../src/features/files/policy";
import { flushLogs, startLogging } from "../../src/ops/logging";
import { dot, pictured, sha256, upload } from "../support/files";
import { closeAccount, compareAtOnce, letIn, password } from "../support/people";
import { inWorld, type Answer, type World } from "../support/scenario";
import { share, visit, type MadeShare } from "../support/shares";

const secret = "the margin is 40 per cent";
const headers = { accept: "text/html" };

const given = {
  clients: { acme: { assigned_to: "$minh" } },
  tasks: { call: { assigned_to: "$minh" } },
  once: async (world: World) => {
    compareAtOnce(world.server);
    await upload(world, "lan", "loose.txt", secret);
    await upload(world, "lan", "bound.txt", secret, { task_id: "$call" });
    await upload(world, "lan", "client.txt", secret, { client_id: "$acme" });
    await upload(world, "lan", "dot.png", dot);
  },
};

/** Every way to what is behind a link. */
const ways = [
  ...[["GET", ""] as const, ["HEAD", ""] as const, ["POST", ""] as const],
  ...[["GET", "/download"] as const, ["HEAD", "/download"] as const],
  ...[["GET", "/preview"] as const, ["HEAD", "/preview"] as const],
];

/** What each way answers, for programs and for browsers. */
async function statuses(world: World, link: MadeShare): Promise<Set<number>> {
  const seen = new Set<number>();
  for (const [method, path] of ways) {
    const body = method === "POST" ? { body: { password } } : {};
    seen.add((await visit(world, link, path, { method, ...body })).status);
    const shown = await fetch(`${world.server.url}/s/${link.token}${path}`, {
      ...{ method, headers, redirect: "manual" },
      ...(method === "POST" && { body: new URLSearchParams({ password }) }),
    });
    seen.add(shown.status);
    expect(await shown.text()).not.toMatch(/loose|bound\.txt|dot\.png|40 per cent|Test lan/);
  }
  return seen;
}

inWorld("a password", given, (world) => {
  test("is asked for on every way to the file, also for a part of it, or only its headers", async () => {
    for (const file of ["loose", "dot"]) {
      const link = await share(world(), "lan", file, { password });
      for (const [method, path] of ways.filter(([method, path]) => method !== "POST" && path !== "")) {
        for (const more of [{}, { range: "bytes=0-3" }, { "if-none-match": "*" }] as Record<
          string,
          string
        >[]) {
          const { status, headers: got } = await visit(world(), link, path, { method, headers: more });
          expect([method, path, status, got.get("etag")]).toEqual([method, path, 403, null]);
        }
      }
      const page = await visit(world(), link);
      expect(page.text).not.toMatch(/loose|dot\.png|Test lan|bytes/);
    }
    expect((await world().events()).filter(({ type }) => /opened|previewed|downloaded/.test(type))).toEqual(
      [],
    );
  });

  test("in the URL is no password", async () => {
    const link = await share(world(), "lan", "loose", { password });
    for (const path of ["", "/download"]) {
      const asked = await visit(world(), link, `${path}?password=${encodeURIComponent(password)}`);
      expect([asked.status, asked.json.code]).toEqual([400, "unknown_parameter"]);
    }
  });

  test("of one link opens no other, nor does what a browser keeps of it", async () => {
    const first = await share(world(), "lan", "loose", { password });
    const second = await share(world(), "lan", "bound", { password });
    const opened = await visit(world(), first, "", { method: "POST", body: { password } });
    const cookie = opened.headers.getSetCookie()[0]!.split(";")[0]!;
    expect((await visit(world(), first, "/download", { headers: { cookie } })).status).toBe(200);
    expect((await visit(world(), second, "/download", { headers: { cookie } })).status).toBe(403);
    for (const broken of [`${cookie.slice(0, -1)}x`, "neocrm_share=", "neocrm_share=zzzzzzzz.x"])
      expect((await visit(world(), first, "/download", { headers: { cookie: broken } })).status).toBe(403);
  });

  test("stands hashed in the database, and in no answer or event", async () => {
    const link = await share(world(), "lan", "loose", { password });
    const { read } = world().server.parts.store;
    const [row] = await read.q.select().from(read.t.file_shares).where(eq(read.t.file_shares.id, link.id));
    expect(row!.password_hash).toStartWith("$argon2id$");
    expect(row!.hash).toBe(sha256(link.token));
    expect(JSON.stringify(row)).not.toContain(link.token);
    const told = JSON.stringify(await world().events());
    for (const each of [password, link.token, row!.hash, row!.password_hash!])
      expect(told).not.toContain(each);
  });
});

test("what a browser keeps is good for its purpose, its link and its time", () => {
  const passes = new Passes(() => "a secret");
  const pass = passes.issue("open", "one", 1_000);
  expect(passes.isGood(pass, "open", "one")).toBe(true);
  expect(passes.isGood(pass, "resume", "one")).toBe(false);
  expect(passes.isGood(pass, "open", "other")).toBe(false);
  expect(new Passes(() => "another secret").isGood(pass, "open", "one")).toBe(false);
  expect(passes.isGood(passes.issue("open", "one", -1), "open", "one")).toBe(false);
  const [until, signature] = pass.split(".") as [string, string];
  const later = (Number.parseInt(until, 36) + 1).toString(36);
  for (const other of [`${later}.${signature}`, signature, `.${signature}`, `${until}.`, "", "é".repeat(43)])
    expect(passes.isGood(other, "open", "one")).toBe(false);
});

describe("a link ends with its maker's right to the file:", () => {
  const cases: [
    how: string,
    by: "lan" | "minh" | "manager",
    file: string,
    end: (world: World) => Promise<unknown>,
  ][] = [
    [
      "their account is closed",
      "minh",
      "bound",
      ({ server, people }) => closeAccount(server, people.minh.id),
    ],
    [
      ...(["they are no longer assigned", "minh", "bound"] as const),
      ({ send }) => send("lan", "PATCH", "/api/tasks/$call", { body: { assigned_to: null } }),
    ],
    [
      ...(["they see the file, and no more", "minh", "client"] as const),
      ({ send }) => send("lan", "PATCH", "/api/clients/$acme", { body: { assigned_to: null } }),
    ],
    [
      ...(["the file goes where they see nothing", "minh", "bound"] as const),
      ({ send }) => send("lan", "PATCH", "/api/files/$bound", { body: { task_id: null } }),
    ],
    [
      ...(["their role allows less", "manager", "bound"] as const),
      ({ send }) => send("admin", "PUT", "/api/admin/users/$manager/role", { body: { role: "user" } }),
    ],
    ["it is deleted", "lan", "dot", ({ send }) => send("lan", "DELETE", "/api/files/$dot")],
    ["its time is over", "lan", "dot", ({ server }) => rewrite(server, { expires_at: 1 })],
    [
      ...(["it is revoked", "lan", "dot"] as const),
      ({ send, ids }) => send("lan", "DELETE", `/api/files/$dot/share/${ids["link"]}`),
    ],
  ];
  inWorld("once", given, (world) => {
    for (const [how, by, file, end] of cases) {
      test(how, async () => {
        const link = await share(world(), by, file, {});
        world().ids["link"] = link.id;
        expect((await visit(world(), link)).status).toBe(200);
        await end(world());
        expect([...(await statuses(world(), link))]).toEqual([410]);
        const { text } = await visit(world(), link);
        expect(text).not.toMatch(/loose|bound\.txt|dot\.png|Test lan|Test minh/);
        if (how.startsWith("their account")) world().people.minh = await reopened(world());
        if (how.startsWith("their role")) {
          await world().send("admin", "PUT", "/api/admin/users/$manager/role", { body: { role: "manager" } });
          expect((await visit(world(), link)).status).toBe(200);
          world().people.manager = await letIn(world().server, world().people.manager.email);
        }
      });
    }
  });
});

async function reopened({ server, people, send }: World) {
  await send("admin", "PATCH", `/api/admin/users/${people.minh.id}`, { body: { is_active: true } });
  return letIn(server, people.minh.email);
}

const rewrite = ({ parts }: World["server"], change: object) =>
  parts.store.tx(({ q, t }) => q.update(t.file_shares).set(change) as unknown as Promise<void>);

inWorld("ids", given, (world) => {
  test("of a file, a link or an account open nothing", async () => {
    const link = await share(world(), "lan", "loose", {});
    for (const id of [link.id, world().ids["loose"]!, world().ids["lan"]!, sha256(link.token)])
      for (const path of ["", "/download", "/preview"])
        expect((await visit(world(), { token: id }, path)).status).toBe(404);
  });

  test("of another file lead to no link of this one", async () => {
    const link = await share(world(), "lan", "loose", {});
    const mine = (await upload(world(), "stranger", "mine.txt")).id;
    for (const [by, file] of [
      ["stranger", mine],
      ["stranger", "$loose"],
      ["lan", "$bound"],
    ] as const) {
      const answer = await world().send(by, "DELETE", `/api/files/${file}/share/${link.id}`);
      expect([by, file, answer.status]).toEqual([by, file, 404]);
    }
    expect((await world().send("stranger", "GET", "/api/files/$loose/share")).status).toBe(404);
    expect((await world().send("stranger", "GET", `/api/files/${mine}/share`)).json.data).toEqual([]);
    expect((await visit(world(), link)).status).toBe(200);
  });

  test("of a link are nobody's account, were they the same", async () => {
    const { send, server, ids, people } = world();
    const link = await share(world(), "lan", "loose", {});
    await rewrite(server, { id: people.minh.id });
    await visit(world(), link);
    const [event] = (await world().events()).slice(-1);
    expect(event).toMatchObject({ actor_kind: "share", actor_id: people.minh.id });
    const seen = await send("admin", "GET", "/api/activities/file/$loose");
    expect(seen.json.data[0].actor).toEqual({ id: null, full_name: "Somebody with a link" });
    // Whose account has that id neither did it nor sees it.
    const acts = await send("minh", "GET", "/api/activities");
    expect(acts.text).not.toContain(ids["loose"]!);
    const reach = () => "own" as const;
    const policy = new FilePolicy({ clients: { reach }, tasks: { reach } });
    const row = { uploaded_by: people.minh.id, client_id: null, task_id: null } as never;
    const bearer = {
      grants: { "files.read": "own" },
      sessionId: null,
      timeZone: "UTC",
      requestId: "x",
    } as const;
    expect(policy.mayRead({ kind: "user", userId: people.minh.id, ...bearer }, row)).toBe(true);
    expect(policy.mayRead({ kind: "share", userId: people.minh.id, ...bearer }, row)).toBe(false);
    // Nor do lists take it for one.
    expect(policy.readable({ kind: "share", userId: people.minh.id, ...bearer }).args).toEqual({ me: null });
  });

  test("of a token's form alone reach the database", () => {
    expect("A".repeat(22)).toMatch(fileTokenPattern);
    for (const text of ["A".repeat(21), "A".repeat(23), "a b", "%00", "' or 1=1 --", "é".repeat(22)])
      expect(text).not.toMatch(fileTokenPattern);
  });
});

inWorld("a file that would run in a browser", given, (world) => {
  test("is saved and not shown, on every way", async () => {
    const scripts: [name: string, bytes: string][] = [
      ["logo.svg", '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'],
      ["page.html", "<!DOCTYPE html><script>alert(1)</script>"],
      ["photo.png", "<script>alert(1)</script>"],
      [
        "feed.xml",
        '<?xml version="1.0"?><x xmlns:a="http://www.w3.org/1999/xhtml"><a:script>alert(1)</a:script></x>',
      ],
    ];
    for (const [name, bytes] of scripts) {
      await upload(world(), "lan", name, bytes);
      const link = await share(world(), "lan", name.split(".")[0]!, {});
      const got = await visit(world(), link, "/download");
      expect([name, got.headers.get("content-disposition")]).toEqual([
        name,
        `attachment; filename="${name}"`,
      ]);
      expect(got.headers.get("content-security-policy")).toMatch(/^sandbox;/);
      expect(got.headers.get("x-content-type-options")).toBe("nosniff");
      expect((await visit(world(), link, "/preview")).status).toBe(404);
    }
  });

  test("is no picture, whatever it begins like; and of an image nothing is shown but what is seen", async () => {
    const huge = Buffer.from(dot);
    huge.writeUInt32BE(60_000, 16);
    huge.writeUInt32BE(60_000, 20);
    huge.writeUInt32BE(Bun.hash.crc32(huge.subarray(12, 29)), 29);
    const pretending: [name: string, bytes: Uint8Array | string][] = [
      ["script.gif", "GIF89a/*\x01\x00*/=1;alert(1)"],
      ["broken.png", dot.subarray(0, 20)],
      ["huge.png", huge],
    ];
    for (const [name, bytes] of pretending) {
      const { id, file_type } = await upload(world(), "lan", name, bytes);
      await pictured(world(), "lan", id);
      const seen = await visit(world(), await share(world(), "lan", name.split(".")[0]!, {}), "/preview");
      expect([name, file_type, seen.status]).toEqual([name, expect.stringMatching(/^image\//), 404]);
    }
    const { id } = await upload(world(), "lan", "telling.png", Buffer.concat([dot, Buffer.from(secret)]));
    await pictured(world(), "lan", id);
    const link = await share(world(), "lan", "telling", { view_only: true });
    for (const headers of [{}, { range: "bytes=0-" }] as Record<string, string>[]) {
      const seen = await visit(world(), link, "/preview", { headers });
      expect(seen.headers.get("content-type")).toBe("image/webp");
      expect(seen.text).not.toContain(secret);
      expect(seen.text).not.toContain("PNG");
    }
  });

  test("gets out of no header by its name", async () => {
    for (const name of [
      'a"; x="b.txt',
      "a\u2028b.txt",
      "ä; filename*=UTF-8''evil.html",
      "100%0d%0aX-Evil: 1",
    ]) {
      await upload(world(), "lan", "named.txt", "x");
      await world().send("lan", "PATCH", "/api/files/$named", { body: { name } });
      const got = await visit(world(), await share(world(), "lan", "named", {}), "/download");
      expect(got.headers.get("content-disposition")).toMatch(
        /^attachment; filename="[^"\\%\r\n]*"(; filename\*=UTF-8''[\w.!#$&+^`|~%-]+)?$/,
      );
      expect(got.headers.get("x-evil")).toBeNull();
    }
  });
});

describe("guessing the password of a link", () => {
  // Time stands still, so that no waiting is over before it was looked at.
  beforeEach(() => void spyOn(performance, "now").mockReturnValue(performance.now()));
  afterEach(() => spyOn(performance, "now").mockRestore());
  const env = { NEOCRM_SERVER_TRUSTED_PROXIES: "127.0.0.1/32" };

  inWorld("once more", { ...given, env }, (world) => {
    const guess = (link: MadeShare, from: string, text = "wrong", path = ""): Promise<Answer> =>
      path === ""
        ? visit(world(), link, "", {
            ...{ method: "POST", body: { password: text }, headers: { "x-forwarded-for": from } },
          })
        : visit(world(), link, path, { headers: { "x-forwarded-for": from, "x-share-password": text } });

    test("is slowed down for an address, on whatever way, and for others not", async () => {
      const link = await share(world(), "lan", "loose", { password });
      const seen = [];
      for (const path of ["", "/download", "", "/download", "", "", "/download"])
        seen.push((await guess(link, "203.0.113.9", "wrong", path)).status);
      expect(seen).toEqual([403, 403, 403, 403, 403, 429, 429]);
      const late = await guess(link, "203.0.113.9", password);
      expect([late.status, late.json.code]).toEqual([429, "too_many_failures"]);
      expect((await guess(link, "198.51.100.7", password)).status).toBe(303);
      const other = await share(world(), "lan", "bound", { password });
      expect((await guess(other, "203.0.113.9", password)).status).toBe(303);
      const refused = (await world().events()).filter(({ type }) => type === "file.share_refused");
      expect(refused).toHaveLength(5);
    });

    test("is slowed down for a link, from however many addresses", async () => {
      const link = await share(world(), "lan", "loose", { password });
      const seen = [];
      for (let i = 0; i < 32; i++) seen.push((await guess(link, `203.0.113.${i + 20}`)).status);
      expect(seen.filter((status) => status === 403)).toHaveLength(30);
      expect(seen.slice(30)).toEqual([429, 429]);
    });

    test("at once gets no more tries than one after the other", async () => {
      const link = await share(world(), "lan", "loose", { password });
      const all = await Promise.all(Array.from({ length: 20 }, () => guess(link, "203.0.113.200")));
      expect(all.filter(({ status }) => status === 403).length).toBeLessThanOrEqual(5);
    });
  });
});

inWorld("the log and the figures", given, (world) => {
  afterEach(() => startLogging({ level: "fatal", format: "json", write() {} }));

  test("name the route of a link, and not the link", async () => {
    let text = "";
    startLogging({ level: "debug", format: "json", write: (written) => void (text += written) });
    const link = await share(world(), "lan", "loose", { password });
    const opened = await visit(world(), link, "", { method: "POST", body: { password } });
    const cookie = opened.headers.getSetCookie()[0]!.split(";")[0]!;
    for (const path of ["", "/download", "/preview", "/nothing", "/download?x=1", "//"])
      await visit(world(), link, path, { headers: { cookie, "x-share-password": password } });
    await visit(world(), link, "", { method: "POST", body: { password: "wrong phrase" } });
    await fetch(`${world().server.url}/S/${link.token}`);
    flushLogs();
    for (const each of [link.token, password, "wrong phrase", cookie.split("=")[1]!])
      expect(text).not.toContain(each);
    expect(text).toContain('"path":"/s/***/download","route":"/s/:token/download"');
    const metrics = await world().send("admin", "GET", "/metrics");
    expect(metrics.text).toContain('route="/s/:token/download"');
    expect(metrics.text).not.toContain(link.token);
    const monitor = await world().send("admin", "GET", "/api/admin/monitor");
    expect(monitor.text).not.toContain(link.token);
  });
});
