/** Bodies: what is JSON, how large, how deep; everything else is refused before anything happens. */
import { expect, test } from "bun:test";
import { inWorld, scenarios, type Scenario } from "../support/scenario";

const bytes = (...values: (number | string)[]) =>
  new Uint8Array(
    Buffer.concat(
      values.map((value) => (typeof value === "string" ? Buffer.from(value) : Buffer.from([value]))),
    ),
  );

const json = (value: string) => ({ headers: { "content-type": value } });
const name = '{"name":"New"}';

/** The same request with another body, everywhere a body is read. */
const sent = (
  title: string,
  raw: Scenario["raw"],
  status: number,
  rest: Partial<Scenario> = {},
): Scenario => ({
  name: title,
  by: "lan",
  post: "/api/clients",
  raw,
  ...json("application/json"),
  status,
  ...(status >= 400 && { events: [] }),
  ...rest,
});

const malformed = { problem: { code: "malformed_json" } };
const notAnObject = { problem: { field: "body", fieldCode: "invalid_type" } };
const nested = (depth: number, open: string, close: string) =>
  `{"name":"x","x":${open.repeat(depth)}1${close.repeat(depth)}}`;

scenarios("what is not JSON", {}, [
  sent("half of it", '{"name":', 400, malformed),
  sent("a comma too many", '{"name":"x",}', 400, malformed),
  sent("single quotes", "{'name':'x'}", 400, malformed),
  sent("a comment", '{"name":"x"}//', 400, malformed),
  sent("two at once", '{"name":"x"}{"name":"y"}', 400, malformed),
  sent("a bare word", "name", 400, malformed),
  sent("NaN", '{"name":NaN}', 400, malformed),
  sent("a raw control character", '{"name":"a\u0001"}', 400, malformed),
  sent("a raw NUL", bytes('{"name":"a', 0, '"}'), 400, malformed),
  sent("only blanks", " \n", 400, malformed),
  sent("a form", "name=x", 400, malformed),
  sent("XML", "<name>x</name>", 400, malformed),
  sent("invalid UTF-8", bytes('{"name":"', 0xff, '"}'), 400, malformed),
  sent("overlong UTF-8", bytes('{"name":"', 0xc0, 0xaf, '"}'), 400, malformed),
  sent("a surrogate in UTF-8", bytes('{"name":"', 0xed, 0xa0, 0x80, '"}'), 400, malformed),
  sent("UTF-16", bytes(0xfe, 0xff, 0, "{", 0, "}"), 400, malformed),
  sent("Latin-1", bytes('{"name":"', 0xe9, '"}'), 400, malformed),
  sent("lists in lists", nested(100, "[", "]"), 400, malformed),
  sent("objects in objects", nested(100, '{"a":', "}"), 400, malformed),
  sent("lists without end", nested(100_000, "[", "]"), 400, malformed),
  sent("objects without end", nested(100_000, '{"a":', "}"), 400, malformed),
  sent("and with a key", nested(100_000, "[", "]"), 400, { ...malformed, key: "key-1" }),
  sent("by nobody, who is told nothing of it", "{", 401, { by: "nobody" }),
  {
    ...sent("to a client", "{", 400, malformed),
    post: undefined,
    patch: "/api/clients/01890a5d-ac96-774b-bcce-b302099a8057",
  },
]);

scenarios("JSON that is no client", {}, [
  sent("a list", "[]", 422, notAnObject),
  sent("a list of clients", `[${name}]`, 422, notAnObject),
  sent("null", "null", 422, notAnObject),
  sent("a number", "1", 422, notAnObject),
  sent("a text", '"x"', 422, notAnObject),
  sent("true", "true", 422, notAnObject),
  sent("nothing", "", 422, notAnObject),
  { name: "nothing at all", by: "lan", post: "/api/clients", status: 422, ...notAnObject },
  sent("an empty object", "{}", 422, { problem: { field: "name", fieldCode: "required" } }),
  sent("a number beyond all numbers", '{"name":1e400}', 422, {
    problem: { field: "name", fieldCode: "invalid_type" },
  }),
  sent("a number of a thousand digits", `{"name":${"9".repeat(1_000)}}`, 422),
  sent("a field without a name", '{"name":"x","":1}', 422),
  sent("a field with a long name", `{"name":"x","${"k".repeat(5_000)}":1}`, 422, {
    never: ["k".repeat(201)],
  }),
  sent("a field with a NUL in its name", '{"name":"x","n\\u0000":1}', 422, { problem: { field: "n\ufffd" } }),
  sent("half a surrogate pair in a field's name", '{"name":"x","\\ud800":1}', 422, {
    problem: { field: "\ufffd" },
  }),
  sent("nested, and not too deep", nested(60, "[", "]"), 422, {
    problem: { field: "x", fieldCode: "unknown_field" },
  }),
  sent("an own __proto__", '{"__proto__":{"name":"x"}}', 422, {
    problem: { field: "name", fieldCode: "required" },
  }),
]);

scenarios("JSON that is one", {}, [
  sent("with blanks", ` \r\n\t${name} `, 201),
  sent("with a byte order mark", bytes(0xef, 0xbb, 0xbf, name), 201),
  sent("a field twice: the last one counts", '{"name":"x","name":"New"}', 201, { has: { name: "New" } }),
  sent("escapes", '{"name":"\\u0041\\ud83e\\udd8a\\/"}', 201, { has: { name: "A🦊/" } }),
  sent("a parameter", name, 201, json("application/json; charset=utf-8")),
  sent("another spelling of it", name, 201, json('Application/JSON;Charset="UTF-8"')),
  sent("one of the family", name, 201, json("application/merge-patch+json")),
]);

const unsupported = {
  problem: { code: "unsupported_media_type" },
  hasHeaders: { accept: "application/json" },
};

scenarios("values that are no texts", {}, [
  ...[{ toString: "x" }, { valueOf: 1 }, { toJSON: null }, { constructor: { prototype: {} } }].map(
    (name): Scenario => ({
      ...{ name: JSON.stringify(name), by: "lan", post: "/api/clients", body: { name } },
      ...{ status: 422, problem: { field: "name", fieldCode: "invalid_type" }, events: [] },
    }),
  ),
]);

scenarios("what does not say that it is JSON", {}, [
  sent("nothing said", bytes(name), 415, { ...unsupported, headers: {} }),
  sent("a text", name, 415, { ...unsupported, ...json("text/plain") }),
  sent("JSON as a text", name, 415, { ...unsupported, ...json("text/json") }),
  sent("a form", "name=x", 415, { ...unsupported, ...json("application/x-www-form-urlencoded") }),
  sent("a form in parts", "--b--", 415, { ...unsupported, ...json("multipart/form-data; boundary=b") }),
  sent("XML", "<x/>", 415, { ...unsupported, ...json("application/xml") }),
  sent("bytes", name, 415, { ...unsupported, ...json("application/octet-stream") }),
  sent("another charset", name, 415, { ...unsupported, ...json("application/json; charset=iso-8859-1") }),
  sent("UTF-16", name, 415, { ...unsupported, ...json("application/json; charset=utf-16") }),
  sent("lines of it", name, 415, { ...unsupported, ...json("application/jsonlines") }),
  sent("more than one type", name, 415, { ...unsupported, ...json("application/json, text/plain") }),
  sent("to sign in", name, 415, {
    ...unsupported,
    post: "/api/auth/login",
    by: "nobody",
    ...json("text/plain"),
  }),
  sent("by nobody", name, 401, { by: "nobody", ...json("text/plain") }),
]);

const coded = (coding: string) => ({
  headers: { "content-type": "application/json", "content-encoding": coding },
});
const refusedCoding = {
  problem: { code: "unsupported_encoding" },
  hasHeaders: { "accept-encoding": "identity" },
};

scenarios("bodies that are compressed", {}, [
  sent("with gzip", Bun.gzipSync(name), 415, { ...coded("gzip"), ...refusedCoding }),
  sent("as they say", name, 415, { ...coded("br"), ...refusedCoding }),
  sent("not at all", name, 201, coded("identity")),
]);

const small = { NEOCRM_SERVER_BODY_LIMIT: "1KiB" };
const sized = (size: number) => `{"name":"New","notes":"${"x".repeat(size - 25)}"}`;

inWorld("bodies beyond the limit", { env: small }, (world) => {
  /** A body without a declared length, in pieces of 100 bytes. */
  function stream(text: string) {
    const chunks = text.match(/[^]{1,100}/g) ?? [];
    return new ReadableStream({
      async pull(controller) {
        await Bun.sleep(0);
        const chunk = chunks.shift();
        if (chunk === undefined) controller.close();
        else controller.enqueue(Buffer.from(chunk));
      },
    });
  }

  const ways = { declared: (text: string) => text, chunked: stream };
  for (const [way, bodyOf] of Object.entries(ways)) {
    const send = (text: string, by: "lan" | "nobody" = "lan") => {
      const { server, people } = world();
      const authorization = by === "lan" ? { authorization: `Bearer ${people.lan.token}` } : undefined;
      return fetch(`${server.url}/api/clients`, {
        method: "POST",
        headers: { "content-type": "application/json", ...authorization },
        body: bodyOf(text),
      });
    };

    test(`exactly as large as allowed, ${way}`, async () => {
      expect(sized(1024)).toHaveLength(1024);
      expect((await send(sized(1024))).status).toBe(201);
    });

    for (const size of [1025, 5_000]) {
      test(`${size} bytes, ${way}`, async () => {
        const response = await send(sized(size));
        expect(response.status).toBe(413);
        expect(response.headers.get("content-type")).toBe("application/problem+json");
        expect(await response.json()).toMatchObject({
          status: 413,
          code: "body_too_large",
          instance: "/api/clients",
        });
        expect(await world().events()).toEqual([]);
      });
    }

    test(`by nobody, ${way}`, async () => expect((await send(sized(1025), "nobody")).status).toBe(401));
  }

  test("none of it, chunked", async () => {
    const { server, people } = world();
    const headers = { "content-type": "application/json", authorization: `Bearer ${people.lan.token}` };
    const response = await fetch(`${server.url}/api/clients`, { method: "POST", headers, body: stream("") });
    expect(response.status).toBe(422);
  });

  test("the limit is counted in bytes, not letters", async () => {
    const { send } = world();
    expect(
      (await send("lan", "POST", "/api/clients", { body: { name: "New", notes: "ạ".repeat(400) } })).status,
    ).toBe(413);
  });
});

scenarios("a body from somebody who is not signed in", { env: { NEOCRM_AUTH_REGISTRATION: "open" } }, [
  {
    name: "needs no more than 16 KiB",
    by: "nobody",
    post: "/api/auth/login",
    body: { email: "a@b.example", password: "x".repeat(17_000) },
    status: 413,
    problem: { code: "body_too_large" },
  },
  {
    name: "is refused as large with credentials that are no good",
    by: { token: "a.b.c" },
    post: "/api/auth/login",
    body: { email: "a@b.example", password: "x".repeat(17_000) },
    status: 413,
  },
  {
    name: "while who is signed in may send more",
    by: "lan",
    post: "/api/clients",
    body: { name: "Acme", notes: "x".repeat(18_000) },
    status: 201,
  },
]);
