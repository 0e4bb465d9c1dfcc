import { afterEach, describe, expect, test } from "bun:test";
import { setupCode } from "../../src/features/auth/setup-code";
import { flushLogs, startLogging } from "../../src/ops/logging";
import { addPerson, letIn, type People } from "../support/people";
import { connect } from "../support/realtime";
import { newInstallation } from "../support/restart";
import { newWorld, type Answer, type By, type World } from "../support/scenario";
import { engines, startTestServer } from "../support/servers";

interface RequestLine {
  message: string;
  request_id: string;
  actor: string | null;
  method: string;
  path: string;
  route: string | null;
  status: number;
  ms: number;
  address: string;
}

/** What is written from now on. */
function captureLog() {
  let text = "";
  startLogging({ level: "debug", format: "json", write: (written) => void (text += written) });
  return {
    text() {
      flushLogs();
      return text;
    },
    requests(): RequestLine[] {
      const lines = this.text().trim().split("\n");
      return lines.map((line) => JSON.parse(line)).filter(({ message }) => message === "request");
    },
  };
}

afterEach(() => startLogging({ level: "fatal", format: "json", write() {} }));

const secret = "the secret that signs the tokens of this test";
const code = setupCode(secret);
const phrases = {
  first: "the password of the boss",
  second: "the second password of the boss",
  wrong: "a password that was mistyped",
};

/** Everything that signing in, staying in and leaving is made of; gives each answer with who asked. */
async function liveThrough(
  world: World,
): Promise<{ answer: Answer; actor: string | null; secrets: string[] }[]> {
  const seen: { answer: Answer; actor: string | null; secrets: string[] }[] = [];
  let actor: string | null = null;
  const send = async (by: By, method: string, path: string, body?: unknown, headers = {}) => {
    const answer = await world.send(by, method, path, { ...(body !== undefined && { body }), headers });
    const { access_token, refresh_token } = answer.json ?? {};
    seen.push({
      answer,
      actor: by === "nobody" ? null : actor,
      secrets: [access_token, refresh_token].filter(Boolean),
    });
    return answer.json;
  };
  const email = "boss@first.example";
  const person = { email, full_name: "Boss" };
  await send("nobody", "POST", "/api/auth/setup", { ...person, password: phrases.first, code: "0000" });
  const made = await send("nobody", "POST", "/api/auth/setup", { ...person, password: phrases.first, code });
  await send("nobody", "POST", "/api/auth/setup", { ...person, password: phrases.first, code });
  await send("nobody", "POST", "/api/auth/register", { ...person, password: phrases.first });
  await send("nobody", "POST", "/api/auth/login", { email, password: phrases.wrong });
  await send("nobody", "POST", "/api/auth/login", { email, password: phrases.first, token: "x" });
  const signedIn = await send("nobody", "POST", "/api/auth/login", { email, password: phrases.first });
  const next = await send("nobody", "POST", "/api/auth/refresh", { refresh_token: signedIn.refresh_token });
  await send("nobody", "POST", "/api/auth/refresh", { refresh_token: signedIn.refresh_token });
  await send("nobody", "GET", `/api/users/me?access_token=${next.access_token}&password=${phrases.wrong}`);
  await send("nobody", "GET", "/api/users/me", undefined, { authorization: `Basic ${made.access_token}` });

  actor = made.user.id as string;
  const boss = { token: made.access_token as string };
  await send(boss, "GET", "/api/users/me", undefined, { cookie: `token=${made.access_token}` });
  await send(boss, "GET", "/api/auth/sessions");
  const change = (current_password: string) => ({ current_password, new_password: phrases.second });
  await send(boss, "POST", "/api/users/password", change(phrases.wrong));
  const key = { "idempotency-key": "password-1" };
  const changed = await send(boss, "POST", "/api/users/password", change(phrases.first), key);
  const again = { token: changed.access_token as string };
  await send(again, "POST", "/api/users/password", change(phrases.first), key);
  await send(
    again,
    "PATCH",
    "/api/users/me",
    { full_name: "The Boss" },
    { "x-request-id": "chosen-by-caller" },
  );
  await send(again, "GET", "/api/nothing");
  await send(again, "DELETE", "/api/users/me");
  await send(again, "POST", "/api/auth/logout", { refresh_token: changed.refresh_token });
  await send("nobody", "GET", "/api/users/me", undefined, {
    authorization: `Bearer ${changed.access_token}`,
  });
  return seen;
}

describe.each(engines)("the log of a whole life of sessions [%s]", (engine) => {
  test("names request and actor on every line, and tells no secret", async () => {
    const place = await newInstallation(engine);
    const env = { JWT_SECRET: secret };
    const printed = captureLog();
    await (await place.start(env)).stop();
    // At the first start the code is printed on purpose, and nowhere else.
    expect(printed.text().split(code)).toHaveLength(2);

    const server = await place.start(env);
    const log = captureLog();
    const seen = await liveThrough(newWorld(server, {} as People));
    await server.stop();
    place.remove();

    const lines = log.requests();
    expect(lines).toHaveLength(seen.length);
    for (const { answer, actor } of seen) {
      const request_id = answer.headers.get("x-request-id")!;
      expect(lines.filter((line) => line.request_id === request_id)).toEqual([
        expect.objectContaining({
          actor,
          status: answer.status,
          address: "127.0.0.1",
          ms: expect.any(Number),
        }),
      ]);
    }
    expect(lines.map(({ request_id }) => request_id)).toContain("chosen-by-caller");

    const text = log.text();
    const secrets = [secret, code, ...Object.values(phrases), ...seen.flatMap(({ secrets }) => secrets)];
    for (const each of secrets) expect(text).not.toContain(each);
    expect(text).not.toMatch(/eyJ|argon2|Bearer|Basic|password=/);
  });
});

test.each(engines)("a ticket is in no line of the log [%s]", async (engine) => {
  const server = await startTestServer(engine);
  const email = "rita@new.example";
  await addPerson(server, email, "user");
  const { token } = await letIn(server, email);
  const log = captureLog();
  const world = newWorld(server, {} as People);
  const ticketFor = async (purpose: string) =>
    (await world.send({ token }, "POST", "/api/auth/tickets", { body: { purpose } })).json.ticket as string;
  const [sse, ws] = [await ticketFor("sse"), await ticketFor("ws")];
  const stream = "/api/notifications/stream";
  await world.send("nobody", "GET", `${stream}?ticket=${sse}`);
  await world.send("nobody", "GET", `${stream}?t%69cket=${ws}`);
  await world.send("nobody", "GET", `/api/nothing?ticket=${sse}`);
  const client = await connect(`${server.url}/ws?ticket=${ws}`);
  await client.next("ready");
  client.close();
  await server.stop();
  const paths = log.requests().map(({ path, status }) => [path, status]);
  expect(paths).toContainEqual([stream, 200]);
  expect(paths).toContainEqual([stream, 401]);
  expect(paths).toContainEqual(["/ws", 101]);
  for (const each of [sse, ws, token]) expect(log.text()).not.toContain(each);
});

test.each(engines)("every request leaves one line, however early it ended [%s]", async (engine) => {
  const server = await startTestServer(engine, { RATE_LIMIT_IP: "2", NEOCRM_SERVER_BODY_LIMIT: "1KiB" });
  const log = captureLog();
  const world = newWorld(server, {} as People);
  const json = { "content-type": "application/json" };
  const answers = [
    await world.send("nobody", "POST", "/api/auth/login", { raw: "{", headers: json }),
    await world.send("nobody", "POST", "/api/auth/login", { raw: `"${"x".repeat(2_000)}"`, headers: json }),
    await world.send("nobody", "GET", "/api"),
    await world.send("nobody", "GET", "/health"),
    await world.send("nobody", "GET", "/health/x%0a%0dfake"),
  ];
  expect(answers.map(({ status }) => status)).toEqual([400, 413, 429, 200, 429]);
  await server.stop();
  const lines = log.requests();
  expect(lines.map(({ status }) => status)).toEqual([400, 413, 429, 200, 429]);
  expect(lines.map(({ request_id }) => request_id)).toEqual(
    answers.map(({ headers }) => headers.get("x-request-id")!),
  );
});
