import { describe, expect, test } from "bun:test";
import { Refusal } from "../../../src/errors";
import { readJson } from "../../../src/http/body";

const limit = 1_000_000;

interface Sent {
  body?: ConstructorParameters<typeof Request>[1] extends infer Init
    ? Init extends { body?: infer Body }
      ? Body
      : never
    : never;
  headers?: Record<string, string>;
}

/** What is read, or `status code` of the refusal. */
async function read({ body, headers = { "content-type": "application/json" } }: Sent): Promise<unknown> {
  try {
    return await readJson(new Request("http://localhost/", { method: "POST", body, headers }), limit);
  } catch (error) {
    if (error instanceof Refusal) return `${error.kind} ${error.details.errors?.[0]?.field ?? error.code}`;
    throw error;
  }
}

const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;

describe("a JSON body", () => {
  test("is what it says", async () => {
    expect(await read({ body: '{"a":[1,null,"ä"]}' })).toEqual({ a: [1, null, "ä"] });
    expect(await read({ body: "null" })).toBeNull();
    expect(await read({ body: "false" })).toBe(false);
  });

  test("that is not there is undefined", async () => {
    expect(await read({})).toBeUndefined();
    expect(await read({ body: "" })).toBeUndefined();
    expect(await read({ body: new ReadableStream({ start: (stream) => stream.close() }) })).toBeUndefined();
  });

  test("takes 64 levels and no more", async () => {
    expect(await read({ body: nested(64) })).toBeArray();
    expect(await read({ body: nested(65) })).toBe("malformed malformed_json");
    expect(await read({ body: nested(400_000) })).toBe("malformed malformed_json");
    expect(await read({ body: `{"a":${nested(65)},"b":"\\u0000"}` })).toBe("malformed malformed_json");
  });

  test("with hundreds of thousands of lists and objects is refused before it is parsed", async () => {
    const lists = (count: number) => `[${Array(count).fill("[]").join()}]`;
    expect(await read({ body: lists(199_999) })).toBeArrayOfSize(199_999);
    expect(await read({ body: lists(200_000) })).toBe("malformed malformed_json");
    expect(await read({ body: `[${"{}".repeat(300_000)}` })).toBe("malformed malformed_json");
  });

  test("may have any brackets, quotes and backslashes in its texts", async () => {
    const open = "[{".repeat(100);
    for (const text of [
      open,
      `\\${open}`,
      `"${open}`,
      `\\"${open}"\\`,
      `${open}\\\\`,
      '"'.repeat(99) + open,
    ]) {
      const value = { [text]: [text, { text }] };
      expect(await read({ body: JSON.stringify(value) })).toEqual(value);
    }
    expect(await read({ body: `{"a":"\\"${open}` })).toBe("malformed malformed_json");
  });

  test("keeps its own __proto__ as a field like any other", async () => {
    const body = (await read({ body: '{"__proto__":{"admin":true}}' })) as { admin?: boolean };
    expect(Object.keys(body)).toEqual(["__proto__"]);
    expect(body.admin).toBeUndefined();
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  test("names the field that no database can store", async () => {
    expect(await read({ body: '{"a":{"b":["x","\\u0000"]}}' })).toBe("invalid a.b.1");
    expect(await read({ body: '{"a":"\\ud800"}' })).toBe("invalid a");
    expect(await read({ body: '{"a":"\\uDC00\\uD800"}' })).toBe("invalid a");
    expect(await read({ body: '"\\u0000"' })).toBe("invalid body");
    expect(await read({ body: '{"\\u0000":1}' })).toBe("invalid \ufffd");
    expect(await read({ body: '{"a":"\\ud83e\\udd8a","b":"\\\\u0000"}' })).toEqual({ a: "🦊", b: "\\u0000" });
  });

  test("of a stream is counted while it comes in", async () => {
    let pulled = 0;
    const endless = new ReadableStream({
      pull(stream) {
        pulled++;
        stream.enqueue(Buffer.alloc(100_000, " "));
      },
    });
    expect(await read({ body: endless })).toBe("too_large body_too_large");
    expect(pulled).toBeLessThan(30);
  });
});

describe("a media type", () => {
  const json = [
    "application/json",
    "APPLICATION/JSON",
    "application/json;charset=utf-8",
    'application/json; x=y; charset="UTF8"',
    "application/problem+json",
    "application/vnd.api+json",
  ];
  for (const type of json)
    test(`${type} is JSON`, async () =>
      expect(await read({ body: "1", headers: { "content-type": type } })).toBe(1));

  const others = [
    "text/plain",
    "text/json",
    "application/jsonx",
    "application/xml",
    "application/+json/x",
    "json",
    "*/*",
    "application/json; charset=latin1",
    "multipart/form-data; boundary=application/json",
  ];
  for (const type of others) {
    test(`${type} is not`, async () => {
      expect(await read({ body: "1", headers: { "content-type": type } })).toBe(
        "unsupported_media unsupported_media_type",
      );
    });
  }
});
