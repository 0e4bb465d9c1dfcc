import { describe, expect, test } from "bun:test";
import { readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eq } from "drizzle-orm";
import { hour, now } from "../../src/clock";
import { GiveUp } from "../../src/jobs/job";
import { systemActor } from "../../src/policy";
import {
  eventsOf,
  expectNoSecrets,
  newPerson,
  statusOfRefresh,
  statusOfToken,
  statusesOf,
} from "../support/accounts";
import { password as oldPassword } from "../support/people";
import { hasten, mailsTo, mailsTried, outboxOf, running, tokenIn } from "../support/mail";
import { inWorld, newWorld, scenarios, type Scenario, type World } from "../support/scenario";
import { engines, startTestServer } from "../support/servers";

const forgot = "/api/auth/password/forgot";
const reset = "/api/auth/password/reset";
const system = systemActor("a-test-of-resets");
const password = "what was chosen anew";
const given = { given: (world: World) => newPerson(world, "rita") };

/** Asks for a link for rita and reads its token from her newest mail. */
async function askFor(world: World): Promise<string> {
  const answer = await world.send("nobody", "POST", forgot, { body: { email: "$rita_mail" } });
  expect(answer.status).toBe(204);
  return tokenIn((await mailsTo(world.server, world.ids.rita_mail!)).at(-1)!);
}

const choose = (world: World, token: string, chosen = password) =>
  world.send("nobody", "POST", reset, { body: { token, password: chosen } });

const signIn = async (world: World, secret: string) =>
  (await world.send("nobody", "POST", "/api/auth/login", { body: { email: "$rita_mail", password: secret } }))
    .status;

/** Puts rita's token in the place of `$reset`. */
const asked = async (world: World) => void (world.ids.reset = await askFor(world));

scenarios("a forgotten password", given, [
  { by: "nobody", post: forgot, body: { email: "$rita_mail" }, status: 204, events: [] },
  { by: "lan", post: forgot, body: { email: "minh@cast.example" }, status: 204 },
  { by: "nobody", post: forgot, body: {}, status: 422, problem: { field: "email", fieldCode: "required" } },
  { by: "nobody", post: forgot, body: { email: "x" }, status: 422, problem: { field: "email" } },
  { by: "nobody", post: forgot, body: { email: "a@b.example", link: "https://evil.example" }, status: 422 },
  { by: "lan", post: forgot, key: "once", body: { email: "a@b.example" }, status: 422 },
  { by: "nobody", get: forgot, status: 405, hasHeaders: { allow: "POST" } },
]);

scenarios(
  "choosing a password by mail",
  { given: async (world) => (await given.given(world), asked(world)) },
  [
    {
      by: "nobody",
      post: reset,
      body: { token: "$reset", password },
      status: 204,
      events: ["session.ended", "user.password_changed"],
      async then(world, answer) {
        expect(await statusOfToken(world, world.ids.rita_token!)).toBe(401);
        expect(await statusOfRefresh(world, world.ids.rita_refresh!)).toBe(401);
        expect(await signIn(world, oldPassword)).toBe(401);
        expect(await signIn(world, password)).toBe(200);
        const events = await eventsOf(world, answer);
        for (const { actor_kind, actor_id } of events) {
          expect([actor_kind, actor_id]).toEqual(["user", world.ids.rita!]);
        }
        expectNoSecrets(events, world.ids.reset!, password);
      },
    },
    {
      name: "one that may not be chosen leaves the link good",
      by: "nobody",
      post: reset,
      body: { token: "$reset", password: "short" },
      status: 422,
      problem: { field: "password", fieldCode: "too_short" },
      events: [],
      then: async (world) => expect((await choose(world, world.ids.reset!)).status).toBe(204),
    },
    ...["", "x", "A".repeat(43), "$rita", "$reset ", "$rita_token_"].map((token): Scenario => ({
      name: "a guess",
      by: "nobody",
      post: reset,
      body: { token, password },
      status: 422,
      problem: { code: "invalid_reset_token", field: "token" },
      events: [],
      then: async (world) => expect(await statusOfToken(world, world.ids.rita_token!)).toBe(200),
    })),
    { by: "nobody", post: reset, body: { token: "$reset" }, status: 422, problem: { field: "password" } },
    {
      by: "nobody",
      post: reset,
      body: { token: "$reset", password, email: "admin@cast.example" },
      status: 422,
      problem: { field: "email", fieldCode: "unknown_field" },
      events: [],
    },
  ],
);

/** What makes a link worthless, besides its use. */
const endings: [name: string, end: (world: World) => Promise<unknown>][] = [
  ["used", (world) => choose(world, world.ids.reset!, "the first that was chosen")],
  ["replaced by a newer one", askFor],
  [
    "too old",
    ({ server, ids }) =>
      server.parts.store.tx(({ q, t }) =>
        q
          .update(t.password_resets)
          .set({ expires_at: now() })
          .where(eq(t.password_resets.user_id, ids.rita!)),
      ),
  ],
  ["of a closed account", ({ server, ids }) => server.parts.accounts.deactivate(system, ids.rita!)],
  [
    "of an account that was closed meanwhile",
    async ({ server, ids }) => {
      await server.parts.accounts.deactivate(system, ids.rita!);
      await server.parts.accounts.activate(system, ids.rita!);
    },
  ],
  [
    "sent to an address that is no longer theirs",
    (world) =>
      world.send("admin", "PATCH", "/api/admin/users/$rita", {
        body: { email: `new-${world.ids.rita_mail}` },
      }),
  ],
  [
    "older than a password that was chosen otherwise",
    ({ server, ids }) => server.parts.passwords.set(system, ids.rita!, "what the admin chose"),
  ],
];

inWorld("a link is no good any more when it was", given, (world) => {
  test.each(endings)("%s", async (_, end) => {
    await asked(world());
    await end(world());
    const before = (await world().events()).length;
    const answer = await choose(world(), world().ids.reset!);
    expect(answer.json).toMatchObject({ status: 422, code: "invalid_reset_token" });
    expect(await world().events()).toHaveLength(before);
  });

  test("used by two at once: one chooses", async () => {
    await asked(world());
    const answers = await Promise.all(
      ["one", "two"].map((who) => choose(world(), world().ids.reset!, `${who} ${password}`)),
    );
    expect(statusesOf(answers)).toEqual([204, 422]);
    const works = await Promise.all(["one", "two"].map((who) => signIn(world(), `${who} ${password}`)));
    expect(works.toSorted((a, b) => a - b)).toEqual([200, 401]);
  });
});

inWorld("asking for a link", given, (world) => {
  test("answers alike whether there is such an account or not", async () => {
    const answers = [];
    for (const email of ["$rita_mail", "off@cast.example", "nobody-has@this.example"]) {
      const { status, text, headers } = await world().send("nobody", "POST", forgot, { body: { email } });
      const names = [...headers].filter(([name]) => !/^(date|x-request-id)$/.test(name));
      answers.push({ status, text, names });
    }
    expect(answers[1]).toEqual(answers[0]!);
    expect(answers[2]).toEqual(answers[0]!);
  });

  test("does all that depends on the account after the answer", async () => {
    const { background } = world().server.parts;
    const { start } = background;
    let later: (() => Promise<void>) | undefined;
    background.start = (_, work) => (later = work);
    try {
      await world().send("nobody", "POST", forgot, { body: { email: "$rita_mail" } });
    } finally {
      background.start = start;
    }
    expect(await mailsTo(world().server, world().ids.rita_mail!)).toEqual([]);
    await later!();
    expect(await mailsTo(world().server, world().ids.rita_mail!)).toHaveLength(1);
  });

  test("sends nothing to a closed account and to nobody", async () => {
    const before = (await outboxOf(world().server)).length;
    for (const email of ["off@cast.example", "nobody-has@this.example"]) {
      await world().send("nobody", "POST", forgot, { body: { email } });
    }
    expect(await outboxOf(world().server)).toHaveLength(before);
  });

  test("finds the account whatever the case, and writes to the address it has", async () => {
    const email = world().ids.rita_mail!.toUpperCase();
    await world().send("nobody", "POST", forgot, { body: { email } });
    expect(await mailsTo(world().server, world().ids.rita_mail!)).toHaveLength(1);
  });

  test("again and again floods nobody", async () => {
    for (let i = 0; i < 8; i++)
      await world().send("nobody", "POST", forgot, { body: { email: "$rita_mail" } });
    const mails = await mailsTo(world().server, world().ids.rita_mail!);
    expect(mails).toHaveLength(5);
    // Mails go out side by side, and so in any order; only the last link that was asked for is good.
    const opened: number[] = [];
    for (const mail of mails) opened.push((await choose(world(), tokenIn(mail))).status);
    expect(opened.filter((status) => status === 204)).toHaveLength(1);
    expect(opened.filter((status) => status === 422)).toHaveLength(4);
  });

  test("keeps only the hash of its token", async () => {
    const token = await askFor(world());
    const { read } = world().server.parts.store;
    const rows = await read.q
      .select()
      .from(read.t.password_resets)
      .where(eq(read.t.password_resets.user_id, world().ids.rita!));
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain(token);
    expect(rows[0]!.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(rows[0]!.expires_at - rows[0]!.created_at).toBe(hour);
    expect(Buffer.from(token, "base64url")).toHaveLength(32);
  });
});

inWorld("the mail", given, (world) => {
  test("is a whole message that only the server's user can read", async () => {
    const { server, ids } = world();
    await world().send("admin", "PATCH", "/api/users/$rita", {
      body: { full_name: 'Rita\r\nBcc: evil@evil.example <b>"Ø"</b>' },
    });
    const token = await askFor(world());
    const mail = (await mailsTo(server, ids.rita_mail!)).at(-1)!;
    expect(mail).toMatchObject({
      from: { name: "Neo CRM", address: "neocrm@localhost" },
      subject: "Choose a new password for Neo CRM",
    });
    expect(mail.bcc ?? []).toEqual([]);
    expect(mail.to).toHaveLength(1);
    expect(mail.text).toContain(`\n${server.url}/reset-password?token=${token}\n`);
    expect(mail.text).toContain(`\n${token}\n`);
    expect(mail.html).toContain(`<a href="${server.url}/reset-password?token=${token}">`);
    expect(mail.html).toContain("&lt;b&gt;&quot;Ø&quot;&lt;/b&gt;");
    expect(mail.messageId).toMatch(/^<[0-9a-f-]{36}@localhost>$/);
    expect(Math.abs(Date.parse(mail.date!) - now())).toBeLessThan(hour);
    const folder = join(server.dataDir, "outbox");
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const file of readdirSync(folder)) {
      expect(file).toMatch(/^\d{8}T\d{9}Z-[0-9a-f-]{36}\.eml$/);
      expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
    }
  });

  test("of a new account lets its owner in", async () => {
    const email = "new.owner@new.example";
    const body = { email, full_name: "New Owner", role: "user" };
    expect((await world().send("admin", "POST", "/api/admin/users", { body })).status).toBe(201);
    const [mail] = await mailsTo(world().server, email);
    expect(mail).toMatchObject({ subject: "Your account in Neo CRM" });
    expect((await choose(world(), tokenIn(mail!))).status).toBe(204);
    const credentials = { body: { email, password } };
    expect((await world().send("nobody", "POST", "/api/auth/login", credentials)).status).toBe(200);
    await world().send("admin", "POST", "/api/admin/users", {
      body: { ...body, email: `x${email}`, password },
    });
    expect(await mailsTo(world().server, `x${email}`)).toEqual([]);
  });

  test("that cannot be written stays in the queue, and goes out when it can", async () => {
    const { server, ids } = world();
    const outbox = join(server.dataDir, "outbox");
    await outboxOf(server);
    renameSync(outbox, `${outbox}-aside`);
    writeFileSync(outbox, "not a folder");
    const answer = await world().send("nobody", "POST", forgot, { body: { email: "$rita_mail" } });
    expect(answer.status).toBe(204);
    await server.parts.background.settled();
    await mailsTried(server);
    rmSync(outbox);
    renameSync(`${outbox}-aside`, outbox);
    expect(await mailsTo(server, ids.rita_mail!)).toEqual([]);
    await hasten(server);
    const [mail, ...others] = await mailsTo(server, ids.rita_mail!);
    expect(others).toEqual([]);
    expect((await choose(world(), tokenIn(mail!))).status).toBe(204);
    expect(readdirSync(outbox).filter((file) => !file.endsWith(".eml"))).toEqual([]);
  });

  test("waits in the queue with its link sealed, and is not sent when the link is over", async () => {
    const { server, ids } = world();
    await world().send("nobody", "POST", forgot, { body: { email: "$rita_mail" } });
    await server.parts.background.settled();
    const { q, t } = server.parts.store.read;
    const [job] = (await q.select().from(t.jobs).orderBy(t.jobs.id)).slice(-1);
    expect(Object.keys(job!.payload).toSorted()).toEqual(["sealed", "template", "to", "until", "values"]);
    const mails = server.parts.kinds.find(({ name }) => name === "mail")!;
    const late = { ...job!, payload: { ...job!.payload, until: now() } };
    await expect(mails.run(running(late))).rejects.toBeInstanceOf(GiveUp);
    const foreign = { ...job!, payload: { ...job!.payload, sealed: "AAAA" } };
    await expect(mails.run(running(foreign))).rejects.toBeInstanceOf(GiveUp);
    const token = tokenIn((await mailsTo(server, ids.rita_mail!)).at(-1)!);
    expect(JSON.stringify(job!.payload)).not.toContain(token);
  });
});

describe.each(engines)("where a public address is configured [%s]", (engine) => {
  test("links lead there, and attempts are limited", async () => {
    const server = await startTestServer(engine, {
      NEOCRM_SERVER_PUBLIC_URL: "https://crm.example.com/",
      NEOCRM_MAIL_FROM: "crm@example.com",
      NEOCRM_AUTH_PASSWORD_RESET_MINUTES: "5",
      RATE_LIMIT_AUTH: "3",
    });
    const world = newWorld(server, {} as World["people"]);
    await newPerson(world, "rita");
    await askFor(world);
    const [mail] = await mailsTo(server, world.ids.rita_mail!);
    expect(mail).toMatchObject({ from: { address: "crm@example.com" } });
    expect(mail!.text).toMatch(
      /within 5 minutes:\nhttps:\/\/crm\.example\.com\/reset-password\?token=[\w-]{43}\n/,
    );
    const limited = async (path: string, body: object) => {
      const statuses = [];
      for (let i = 0; i < 5; i++) statuses.push((await world.send("nobody", "POST", path, { body })).status);
      return statuses;
    };
    expect(await limited(forgot, { email: "some.one@new.example" })).toEqual([204, 204, 204, 429, 429]);
    expect(await limited(forgot, { email: "any.one@new.example" })).toEqual([204, 204, 204, 429, 429]);
    expect(await limited(reset, { token: "x", password })).toEqual([422, 422, 422, 429, 429]);
    await server.stop();
  });
});
