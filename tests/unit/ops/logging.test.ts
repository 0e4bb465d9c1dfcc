import { afterEach, describe, expect, test } from "bun:test";
import { flushLogs, log, logOf, logRequest, startLogging } from "../../../src/ops/logging";
import type { Level, RequestFields } from "../../../src/ops/logging";

/** Logs into memory; `lines` flushes first. */
function logging(level: Level = "trace", format: "json" | "pretty" = "json") {
  const writes: string[] = [];
  startLogging({ level, format, write: (text) => writes.push(text), colour: false });
  const text = () => (flushLogs(), writes.join(""));
  return {
    writes,
    text,
    lines: () =>
      text()
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
  };
}

/** The next test file of this process logs nowhere. */
afterEach(() => startLogging({ level: "fatal", format: "json", write: () => {} }));

const request: RequestFields = {
  request_id: "req-12345678",
  actor: null,
  method: "GET",
  path: "/api/clients",
  route: "/api/clients",
  status: 200,
  ms: 1.23456,
  address: "203.0.113.7",
};

describe("JSON lines", () => {
  test("have time, level, message and the fields", () => {
    const { lines } = logging();
    log.info("mail sent", {
      job_id: "j1",
      at: new Date(0),
      size: 10n,
      nothing: undefined,
      list: [1, new Set(["a"])],
    });
    const [line] = lines();
    expect(Object.keys(line).slice(0, 3)).toEqual(["time", "level", "message"]);
    expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(line).toMatchObject({
      level: "info",
      message: "mail sent",
      job_id: "j1",
      size: "10",
      list: [1, ["a"]],
    });
    expect(line.at).toBe("1970-01-01T00:00:00.000Z");
  });

  test("a field cannot pass itself off as part of the line", () => {
    const { lines } = logging();
    log.info("hello", { level: "fatal", time: "now", message: "other" });
    expect(lines()[0]).toMatchObject({
      level: "info",
      message: "hello",
      field_level: "fatal",
      field_time: "now",
    });
  });

  test("a line break in a value does not begin a line", () => {
    const { lines } = logging();
    log.info("hello", { name: 'x\n{"level":"fatal"}' });
    logRequest({ ...request, path: '/a"\n\\é', actor: 'x"' });
    expect(lines()).toHaveLength(2);
    expect(lines()[1]).toMatchObject({ path: '/a"\n\\é', actor: 'x"' });
  });

  test("a request", () => {
    const { lines } = logging();
    logRequest(request);
    const { time, ...rest } = lines()[0];
    expect(time).toEndWith("Z");
    expect(rest).toEqual({ level: "info", message: "request", ...request, ms: 1.235 });
  });

  test("an error with its stack, its code and its causes", () => {
    const { lines } = logging();
    const cause = Object.assign(new TypeError("refused"), { code: "ECONNREFUSED", errno: -111 });
    log.error("mail failed", { error: new Error("no connection", { cause }) });
    log.error(new Error("alone"));
    const [first, second] = lines();
    expect(first.error).toMatchObject({ name: "Error", message: "no connection" });
    expect(first.error.stack).toContain("logging.test.ts");
    expect(first.error.cause).toMatchObject({ name: "TypeError", error_code: "ECONNREFUSED", errno: -111 });
    expect(second).toMatchObject({ message: "alone", error: { message: "alone" } });
  });

  test("values that JSON cannot hold", () => {
    const { lines } = logging();
    const loop: Record<string, unknown> = { name: "loop" };
    loop.self = loop;
    const error = new Error("caused by itself");
    error.cause = error;
    let deep: unknown = "bottom";
    for (let i = 0; i < 100; i++) deep = { deep };
    log.info("odd", { loop, error, deep, call: () => 1, bytes: new Uint8Array(3), map: new Map([["a", 1]]) });
    expect(lines()[0]).toMatchObject({
      loop: { name: "loop", self: "[circular]" },
      error: { cause: "[circular]" },
      call: "[function]",
      bytes: "[3 bytes]",
      map: { a: 1 },
    });
  });
});

describe("secrets", () => {
  const secret = "s3cr3t-Value";

  test.each([
    ["password", { password: secret }],
    ["Password", { Password: secret }],
    ["new_password", { new_password: secret }],
    ["password_hash", { password_hash: secret }],
    ["token", { token: secret }],
    ["access_token", { access_token: secret }],
    ["accessToken", { accessToken: secret }],
    ["REFRESH_TOKEN", { REFRESH_TOKEN: secret }],
    ["secret", { secret: { nested: secret } }],
    ["authorization", { headers: { Authorization: `Bearer ${secret}` } }],
    ["headers", { headers: new Headers({ authorization: secret, "set-cookie": secret }) }],
    ["ticket", { list: [{ ticket: secret }] }],
    ["code", { body: { code: secret } }],
    ["cookie", { Cookie: [secret] }],
    ["a map", { map: new Map([["token", secret]]) }],
    ["an error's field", { error: Object.assign(new Error("x"), { token: secret }) }],
    ["an error's message", { error: new Error(`GET /ws?ticket=${secret} failed`) }],
    ["a cause", { error: new Error("x", { cause: { password: secret } }) }],
    ["a URL", { url: `https://host/a?x=1&token=${secret}#top` }],
    ["a URL object", { url: new URL(`https://host/a?ticket=${secret}`) }],
    ["a first parameter", { url: `?ticket=${secret}` }],
    ["a query string", { query: `ticket=${secret}&a=1` }],
    ["an encoded key", { url: `/a?t%69cket=${secret}` }],
    ["a capital key", { url: `/a?TICKET=${secret}` }],
    ["a bearer token", { text: `sent bearer ${secret}` }],
    ["a database URL", { url: `postgres://crm:${secret}@host/db` }],
    ["a share link", { path: `/s/${secret}/download` }],
    ["a share link without a port", { path: `https://crm.example.com/S/${secret}/preview` }],
    ["an absolute share link", { path: `https://crm.example:3000/s/${secret}` }],
  ])("%s does not leak", (_name, fields: Record<string, unknown>) => {
    for (const format of ["json", "pretty"] as const) {
      const { text } = logging("trace", format);
      log.error("fields", fields);
      log.with(fields).info("context {token} {password}");
      expect(text()).not.toContain(secret);
      expect(text()).toContain("***");
    }
  });

  test.each([
    `/ws?ticket=${secret}`,
    `/ws?a=1&token=${secret}&b=2`,
    `/ws?a=1;token=${secret}`,
    `/ws?%74oken=${secret}`,
    `/ws?%zz=1&token=${secret}`,
    `/s/${secret}`,
    `/s/${secret}/preview?size=1`,
  ])("the path %s does not leak", (path) => {
    for (const format of ["json", "pretty"] as const) {
      const { text } = logging("trace", format);
      logRequest({ ...request, path });
      expect(text()).not.toContain(secret);
    }
  });

  test("what is no secret stays, and the caller's object too", () => {
    const { lines } = logging();
    const fields = {
      status_code: 5,
      encode: "x",
      path: "/api/clients/s/1?q=a&sort=-name",
      token: "abc",
      nothing: null,
    };
    log.info("kept", fields);
    logRequest({ ...request, path: fields.path });
    expect(lines()[0]).toMatchObject({ ...fields, token: "***" });
    expect(lines()[1].path).toBe(fields.path);
    expect(fields.token).toBe("abc");
  });
});

describe("levels", () => {
  const all = ["trace", "debug", "info", "warn", "error", "fatal"] as const;

  test.each(all)("%s and above are written", (level) => {
    const { lines } = logging(level);
    for (const each of all) log[each]("x");
    expect(lines().map((line) => line.level)).toEqual(all.slice(all.indexOf(level)));
  });

  test.each([
    ["info", 200, 1],
    ["info", 500, 1],
    ["warn", 404, 0],
    ["warn", 503, 0],
    ["warn", 500, 1],
    ["fatal", 500, 0],
  ] as const)("at %s a request with %d", (level, status, count) => {
    const { text } = logging(level);
    logRequest({ ...request, status });
    expect(text().split("\n").length - 1).toBe(count);
  });
});

describe("levels of modules", () => {
  test("go over the general one, in both directions", () => {
    const writes: string[] = [];
    const levels = { http: "warn", jobs: "debug" } as const;
    startLogging({ level: "info", levels, format: "json", write: (text) => writes.push(text) });
    for (const write of [log, logOf("http"), logOf("jobs"), logOf("mail")]) {
      write.debug("debug");
      write.info("info");
      write.warn("warn");
    }
    logRequest(request);
    flushLogs();
    const lines = writes.join("").trimEnd().split("\n");
    const seen = lines.map((line) => JSON.parse(line) as { module?: string; message: string });
    expect(seen.map(({ module, message }) => `${module ?? "any"} ${message}`)).toEqual([
      "any info",
      "any warn",
      "http warn",
      "jobs debug",
      "jobs info",
      "jobs warn",
      "mail info",
      "mail warn",
    ]);
  });

  test("of http is that of requests too", () => {
    const writes: string[] = [];
    startLogging({
      level: "error",
      levels: { http: "info" },
      format: "json",
      write: (text) => writes.push(text),
    });
    log.warn("not written");
    logRequest(request);
    flushLogs();
    expect(writes.join("")).toContain('"message":"request"');
    expect(writes.join("")).not.toContain("not written");
  });

  test("a field cannot pass itself off as the module", () => {
    const { lines } = logging();
    logOf("bus").info("hello", { module: "http" });
    expect(lines()[0]).toMatchObject({ message: "hello", module: "bus" });
  });
});

describe("buffering", () => {
  test("lines wait, and an urgent one takes those before it along, in order", () => {
    const { writes } = logging();
    log.info("one");
    logRequest(request);
    expect(writes).toEqual([]);
    log.warn("two");
    expect(writes).toHaveLength(1);
    const messages = writes[0]!
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).message);
    expect(messages).toEqual(["one", "request", "two"]);
  });

  test("a full buffer goes out", () => {
    const { writes } = logging();
    for (let i = 0; i < 1_000 && writes.length === 0; i++) logRequest(request);
    expect(writes).toHaveLength(1);
    expect(writes[0]!.length).toBeGreaterThanOrEqual(65_536);
  });

  test("what waits goes out by itself", async () => {
    const { writes } = logging();
    log.info("one");
    while (writes.length === 0) await Bun.sleep(20);
    expect(writes[0]).toContain("one");
  });
});

describe("pretty lines", () => {
  test("have a short time, the level, the message and the fields", () => {
    const { text } = logging("trace", "pretty");
    log.info("mail sent", { to: "lan@example.com", subject: "two words", n: 1 });
    logRequest(request);
    const [mail, answered] = text().split("\n");
    expect(mail).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} INFO  mail sent to=lan@example.com subject="two words" n=1$/,
    );
    expect(answered).toContain("INFO  GET /api/clients 200 1.235 ms");
  });

  test("show the stacks of an error and its cause", () => {
    const { text } = logging("trace", "pretty");
    log.error("failed", { error: new Error("outer", { cause: new TypeError("inner") }) });
    expect(text()).toContain('ERROR failed error="Error: outer"\n    Error: outer\n');
    expect(text()).toContain("    TypeError: inner\n");
  });

  test("do not obey what a caller sent", () => {
    const { text } = logging("trace", "pretty");
    logRequest({ ...request, path: "/\x1b[2J\x9b31m\rfake" });
    log.info("hi", {
      "\x1b]0;k": "\x1b]0;title\x07",
      error: Object.assign(new Error("\x1b[2J"), { stack: "\x1b[2J" }),
    });
    expect(text().replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
  });

  test("have colour when asked", () => {
    let text = "";
    startLogging({ level: "info", format: "pretty", colour: true, write: (part) => (text += part) });
    log.warn("careful");
    expect(text).toContain("\x1b[33mWARN \x1b[0m");
  });
});
