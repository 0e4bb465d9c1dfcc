import { expect, test } from "bun:test";
import { day, hour } from "../../src/clock";
import { notify } from "../../src/features/notifications/notify";
import { newId } from "../../src/ids";
import { GiveUp, TryAgain } from "../../src/jobs/job";
import { addMail, type NewMail } from "../../src/mails/queue";
import { closeAccount } from "../support/people";
import { newPerson } from "../support/accounts";
import { mailsTo, mailsTried, running } from "../support/mail";
import { inWorld, newWorld, type World } from "../support/scenario";
import { engines, startTestServer } from "../support/servers";
import { newCertificate, refusal, startMailServer } from "../support/smtp";

const mailsOf = ({ server }: World) => server.parts.kinds.find(({ name }) => name === "mail")!;

const queued = async ({ server }: World) => {
  const { q, t } = server.parts.store.read;
  return q.select().from(t.jobs).orderBy(t.jobs.id);
};

/** A mail to lan, as its job has it. */
function jobOf(world: World, mail: Partial<NewMail> = {}) {
  const values = { title: "A title", message: "A message", link: "/tasks/1" };
  const to = { userId: world.people.lan?.id };
  return { id: newId(), payload: { template: "mention", to, values, ...mail } };
}

const given = { given: ({ server }: World) => server.parts.store.tx(({ q, t }) => q.delete(t.jobs)) };

inWorld("a queued mail", given, (world) => {
  test("is tried for about a day, at ever longer intervals", () => {
    const { attempts, backoff } = mailsOf(world());
    const pauses = Array.from({ length: attempts - 1 }, (_, i) => backoff(i + 1));
    expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
    const all = pauses.reduce((sum, pause) => sum + pause, 0);
    // Each pause may be a quarter shorter: only bad luck beyond reason makes it less than a day.
    expect(all).toBeGreaterThanOrEqual(day + 4 * hour);
    expect(all).toBeLessThan(day + 6 * hour);
  });

  test("says what was told, with the whole address of its page, in words of the template", async () => {
    const { server, people } = world();
    const notice = { userId: people.minh.id, actorId: people.lan.id, type: "mention" } as const;
    await server.parts.store.tx((session) =>
      notify(session, { ...notice, title: "Lan mentioned you", message: "Look: <here>", link: "/clients/7" }),
    );
    const [mail, ...others] = await mailsTo(server, people.minh.email);
    expect(others).toEqual([]);
    expect(mail).toMatchObject({ subject: "Lan mentioned you", to: [{ name: "Test minh" }] });
    expect(mail!.text).toContain(`\n${server.url}/clients/7\n`);
    expect(mail!.html).toContain("Look: &lt;here&gt;");
    const [job] = await queued(world());
    expect(mail!.messageId).toBe(`<${job!.id}@localhost>`);
  });

  test("goes to the address that its owner has when it is sent, and to nobody whose account was closed", async () => {
    const { server } = world();
    const rita = await newPerson(world(), "rita");
    const job = running(jobOf(world(), { to: { userId: rita.id } }));
    const email = `moved-${rita.email}`;
    await world().send("admin", "PATCH", "/api/admin/users/$rita", { body: { email } });
    await mailsOf(world()).run(job);
    const subjects = async () => (await mailsTo(server, email)).map(({ subject }) => subject);
    expect((await subjects()).filter((subject) => subject === "A title")).toHaveLength(1);
    expect(await mailsTo(server, rita.email)).toEqual([]);
    await closeAccount(server, rita.id);
    await mailsOf(world()).run(job);
    expect((await subjects()).filter((subject) => subject === "A title")).toHaveLength(1);
  });

  test("fails where its template wants more than it has", async () => {
    const job = jobOf(world(), { values: {} });
    await expect(mailsOf(world()).run(running(job))).rejects.toThrow(/undefined variable: title/);
  });

  test("is not begun once the server stops", async () => {
    const stopped = AbortSignal.abort(new Error("the server stops"));
    await expect(mailsOf(world()).run(running(jobOf(world()), stopped))).rejects.toThrow("the server stops");
  });
});

test.each(engines)("with a mail server, mails go there, and leave the outbox empty [%s]", async (engine) => {
  const certificate = newCertificate();
  const [refused, deferred] = [new Set<string>(), new Set<string>()];
  const smtp = await startMailServer({
    ...{ key: certificate.key, cert: certificate.cert },
    onRcptTo: ({ address }, _, answer) =>
      refused.has(address)
        ? answer(refusal(550, "unknown"))
        : deferred.has(address)
          ? answer(refusal(451, "greylisted"))
          : answer(),
  });
  const server = await startTestServer(engine, {
    ...{ SMTP_URL: `smtp://localhost:${smtp.port}`, NEOCRM_MAIL_TLS: "opportunistic" },
    NEOCRM_MAIL_FROM: "crm@example.com",
  });
  const world = newWorld(server, {} as World["people"]);
  try {
    const rita = await newPerson(world, "rita");
    const job = jobOf(world, { to: { userId: rita.id } });
    for (let i = 0; i < 2; i++) await mailsOf(world).run(running(job));
    const messages = smtp.taken.map(({ mail: { messageId }, to, isEncrypted }) => [
      messageId,
      to,
      isEncrypted,
    ]);
    expect(messages).toEqual(
      Array.from({ length: 2 }, () => [`<${job.id}@example.com>`, [rita.email], true]),
    );
    const queued = { ...(job.payload as unknown as NewMail), template: "security" } as const;
    await server.parts.store.tx((session) => addMail(session, queued));
    await mailsTried(server);
    expect(smtp.taken).toHaveLength(3);
    expect(await mailsTo(server, rita.email)).toEqual([]);
    refused.add(rita.email);
    await expect(mailsOf(world).run(running(job))).rejects.toBeInstanceOf(GiveUp);
    // Whoever looks at the queue reads why it waits.
    deferred.add(rita.email);
    refused.clear();
    const notYet = mailsOf(world).run(running(job));
    await expect(notYet).rejects.toThrow(/451 greylisted/);
    await expect(notYet).rejects.toBeInstanceOf(TryAgain);
    deferred.clear();
    // One that does not answer is cut off by whoever stops the server.
    const stopping = new AbortController();
    const sending = mailsOf(world).run(running(job, stopping.signal));
    stopping.abort(new Error("the server stops"));
    await expect(sending).rejects.toThrow("the server stops");
  } finally {
    await server.stop();
    await smtp.close();
    certificate.remove();
  }
});
