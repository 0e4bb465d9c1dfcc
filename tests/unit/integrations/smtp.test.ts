import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { createServer, type Socket } from "node:net";
import { Undeliverable, type Mail } from "../../../src/integrations/mail/mail";
import { smtpMail, type SmtpOptions } from "../../../src/integrations/mail/smtp";
import { newCertificate, refusal, startMailServer, type MailServer } from "../../support/smtp";

const certificate = newCertificate();
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});
afterAll(() => certificate.remove());

const serve = async (...[options]: Parameters<typeof startMailServer>): Promise<MailServer> => {
  const { key, cert } = certificate;
  const server = await startMailServer({ key, cert, ...options });
  closing.push(() => server.close());
  return server;
};

const mailTo = (port: number, options: Partial<SmtpOptions> = {}, credentials = ""): Mail => {
  const url = `smtp://${credentials}localhost:${port}`;
  const mail = smtpMail({ url, from: "crm@example.com", tls: "none", timeoutMs: 500, ...options });
  closing.push(() => mail.close?.());
  return mail;
};

const message = {
  ...{ id: "01941f29-7c00-7000-8000-000000000001", to: { name: "Ada Ø", address: "ada@example.com" } },
  ...{ subject: "Grüße", text: "Text\n", html: "<p>Html</p>" },
};

/** How sending failed. */
const failure = (mail: Mail): Promise<Error> =>
  mail.send(message).then(
    () => new Error("sent"),
    (error: Error) => error,
  );

describe("a message", () => {
  test("arrives whole, under the same Message-ID each time, over connections that are kept", async () => {
    const server = await serve({ disabledCommands: ["STARTTLS"] });
    const mail = mailTo(server.port);
    for (let i = 0; i < 3; i++) await mail.send(message);
    expect(server.taken).toHaveLength(3);
    expect(server.connections).toBe(1);
    for (const { mail, to, isEncrypted } of server.taken) {
      expect([to, isEncrypted]).toEqual([["ada@example.com"], false]);
      expect(mail).toMatchObject({
        ...{
          from: { name: "Neo CRM", address: "crm@example.com" },
          to: [{ name: "Ada Ø" }],
          subject: "Grüße",
        },
        ...{ messageId: `<${message.id}@example.com>` },
      });
      expect([mail.text!.trim(), mail.html!.trim()]).toEqual(["Text", "<p>Html</p>"]);
    }
  });

  test("goes out with the user and password of the URL", async () => {
    const server = await serve({
      authOptional: false,
      allowInsecureAuth: true,
      onAuth: ({ username, password }, _, answer) =>
        password === "p@ss word" ? answer(null, { user: username }) : answer(new Error("no")),
    });
    await mailTo(server.port, {}, "neo%40crm:p%40ss%20word@").send(message);
    expect(server.taken.map(({ user }) => user)).toEqual(["neo@crm"]);
    const refused = await failure(mailTo(server.port, {}, "neo:wrong@"));
    expect([refused instanceof Undeliverable, refused.message]).toEqual([
      false,
      expect.stringMatching(/535|login/i),
    ]);
  });
});

describe("encryption", () => {
  test("that is required is not done without: nothing goes out to a server that offers none", async () => {
    const server = await serve({ disabledCommands: ["STARTTLS"] });
    const refused = await failure(mailTo(server.port, { tls: "required" }));
    expect([refused instanceof Undeliverable, refused.message]).toEqual([
      false,
      expect.stringMatching(/STARTTLS/),
    ]);
    expect(server.taken).toEqual([]);
  });

  test("that is required needs a certificate that somebody vouches for", async () => {
    const server = await serve();
    expect((await failure(mailTo(server.port, { tls: "required" }))).message).toMatch(/certificate/);
    const smtps = await serve({ secure: true });
    const url = `smtps://localhost:${smtps.port}`;
    expect((await failure(mailTo(smtps.port, { url, tls: "none" }))).message).toMatch(/certificate/);
    expect([server.taken, smtps.taken]).toEqual([[], []]);
  });

  test("is used, from the first byte or by STARTTLS, where the system trusts the certificate", async () => {
    const [server, smtps] = [await serve(), await serve({ secure: true })];
    for (const url of [`smtp://localhost:${server.port}`, `smtps://localhost:${smtps.port}`]) {
      const code = `
        const { smtpMail } = await import(${JSON.stringify(import.meta.resolve("../../../src/integrations/mail/smtp"))});
        const mail = smtpMail(${JSON.stringify({ url, from: "crm@example.com", tls: "required", timeoutMs: 5000 })});
        await mail.send(${JSON.stringify(message)});
        mail.close();`;
      const child = Bun.spawn([process.execPath, "-e", code], {
        env: { ...process.env, NODE_EXTRA_CA_CERTS: certificate.file },
        stderr: "pipe",
      });
      expect([await new Response(child.stderr).text(), await child.exited]).toEqual(["", 0]);
    }
    for (const { taken } of [server, smtps])
      expect(taken.map(({ isEncrypted }) => isEncrypted)).toEqual([true]);
  });

  test("that is opportunistic is used where it is offered, and done without elsewhere", async () => {
    const [offers, offersNone] = [await serve(), await serve({ disabledCommands: ["STARTTLS"] })];
    for (const { port } of [offers, offersNone]) await mailTo(port, { tls: "opportunistic" }).send(message);
    expect(offers.taken.map(({ isEncrypted }) => isEncrypted)).toEqual([true]);
    expect(offersNone.taken.map(({ isEncrypted }) => isEncrypted)).toEqual([false]);
  });
});

describe("a server that does not take it", () => {
  test.each([
    [
      "for good, for its recipient",
      { onRcptTo: (_, __, answer) => answer(refusal(550, "no such user")) },
      true,
    ],
    [
      "for now, for its recipient",
      { onRcptTo: (_, __, answer) => answer(refusal(451, "greylisted")) },
      false,
    ],
    ["for good, for its sender", { onMailFrom: (_, __, answer) => answer(refusal(553, "not yours")) }, false],
    [
      "for good, for what it says",
      {
        onData: (stream, _, answer) => (
          stream.resume(),
          stream.on("end", () => answer(refusal(554, "spam")))
        ),
      },
      true,
    ],
    [
      "for now, when it is sent",
      {
        onData: (stream, _, answer) => (
          stream.resume(),
          stream.on("end", () => answer(refusal(452, "full")))
        ),
      },
      false,
    ],
    ["for now, at all", { onConnect: (_, answer) => answer(refusal(421, "busy")) }, false],
  ] satisfies [string, Parameters<typeof startMailServer>[0], boolean][])(
    "%s",
    async (_, options, isForGood) => {
      const server = await serve(options);
      const refused = await failure(mailTo(server.port));
      expect(refused.message).not.toBe("sent");
      expect(refused instanceof Undeliverable).toBe(isForGood);
    },
  );

  /** A server that says what `talk` does with each connection. */
  const speak = async (talk: (socket: Socket) => void): Promise<number> => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket.on("error", () => {}));
      talk(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closing.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return (server.address() as { port: number }).port;
  };

  test("because it never says a word, or stalls in the middle, is given up after the time it has", async () => {
    const mute = await speak(() => {});
    const stalling = await speak((socket) => {
      socket.write("220 here\r\n");
      socket.once("data", () => socket.write("250 ok\r\n"));
    });
    for (const port of [mute, stalling])
      expect((await failure(mailTo(port))).message).toMatch(/time|greeting/i);
  });

  test("because it hangs up is tried again with the next message", async () => {
    let connections = 0;
    const port = await speak((socket) => {
      connections++;
      socket.end("220 here\r\n");
    });
    const mail = mailTo(port);
    for (let i = 0; i < 2; i++) expect((await failure(mail)).message).not.toBe("sent");
    expect(connections).toBeGreaterThanOrEqual(2);
  });

  test("because it is not there says so, and takes it when it is back", async () => {
    const server = await serve({ disabledCommands: ["STARTTLS"] });
    const mail = mailTo(server.port);
    await mail.send(message);
    await server.close();
    expect((await failure(mail)).message).not.toBe("sent");
  });
});
