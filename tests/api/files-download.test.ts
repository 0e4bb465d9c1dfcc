/** What is downloaded of a file: all of it, a part, or that nothing has changed; and under which name. */
import { expect, test } from "bun:test";
import { attachment } from "../../src/http/download";
import { sha256, upload } from "../support/files";
import { rawHttp } from "../support/raw-http";
import { inWorld, scenarios, type World } from "../support/scenario";

const digits = "0123456789";
const etag = `"${sha256(digits)}"`;
const path = "/api/files/$digits/download";

const given = {
  once: async (world: World) => {
    await upload(world, "lan", "digits.txt", digits);
    await upload(world, "lan", "empty.txt", "");
  },
};

const whole = {
  ...{
    "content-type": "text/plain; charset=utf-8",
    "content-disposition": 'attachment; filename="digits.txt"',
  },
  ...{ etag, "accept-ranges": "bytes", "content-length": "10", "cache-control": "private, no-cache" },
  "content-security-policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
};

const part = (range: string, text: string, contentRange: string) => ({
  ...{ by: "lan" as const, name: range, get: path, headers: { range }, status: 206 },
  hasHeaders: { "content-range": contentRange, "content-length": String(text.length), etag },
  then: (_: World, answer: { text: string }) => expect(answer.text).toBe(text),
});

const all = (name: string, headers: Record<string, string>) => ({
  ...{ by: "lan" as const, name, get: path, headers, status: 200 },
  hasHeaders: { "content-range": null, "content-length": "10" },
  then: (_: World, answer: { text: string }) => expect(answer.text).toBe(digits),
});

scenarios("downloading", given, [
  {
    by: "lan",
    get: path,
    status: 200,
    hasHeaders: whole,
    events: [],
    then: (_, { text }) => expect(text).toBe(digits),
  },
  { by: "lan", head: path, status: 200, hasHeaders: whole, then: (_, { text }) => expect(text).toBe("") },
  {
    ...{ by: "lan", name: "a part, without its bytes", head: path, headers: { range: "bytes=0-1" } },
    ...{ status: 200, hasHeaders: { ...whole, "content-range": null } },
  },
  part("bytes=0-3", "0123", "bytes 0-3/10"),
  part("bytes=4-", "456789", "bytes 4-9/10"),
  part("bytes=-3", "789", "bytes 7-9/10"),
  part("bytes=-30", digits, "bytes 0-9/10"),
  part("bytes=0-0", "0", "bytes 0-0/10"),
  part("bytes=9-99", "9", "bytes 9-9/10"),
  part("BYTES=2-3", "23", "bytes 2-3/10"),
  all("several parts", { range: "bytes=0-1,3-4" }),
  all("another unit", { range: "lines=0-1" }),
  all("a part that ends before it begins", { range: "bytes=5-2" }),
  all("nothing", { range: "bytes=-" }),
  all("a part of another version", { range: "bytes=0-1", "if-range": '"other"' }),
  all("a part of a weak version", { range: "bytes=0-1", "if-range": `W/${etag}` }),
  all("a part since an instant", { range: "bytes=0-1", "if-range": "Wed, 25 Nov 2026 00:00:00 GMT" }),
  {
    ...{ by: "lan", name: "a part of this version", get: path, status: 206 },
    headers: { range: "bytes=0-1", "if-range": etag },
    then: (_, { text }) => expect(text).toBe("01"),
  },
  ...["bytes=10-", "bytes=10-12", "bytes=-0", "bytes=99999999999999999999-"].map((range) => ({
    ...{ by: "lan" as const, name: range, get: path, headers: { range }, status: 416 },
    problem: { code: "range_not_satisfiable" },
    hasHeaders: { "content-range": "bytes */10" },
  })),
  { by: "lan", get: "/api/files/$empty/download", headers: { range: "bytes=0-" }, status: 416 },
  { by: "lan", get: "/api/files/$empty/download", status: 200, hasHeaders: { "content-length": "0" } },
  { by: "lan", get: path, headers: { "if-none-match": etag }, status: 304, hasHeaders: { etag } },
  { by: "lan", get: path, headers: { "if-none-match": `"x", W/${etag}` }, status: 304 },
  { by: "lan", get: path, headers: { "if-none-match": "x" }, status: 400, problem: { code: "invalid_etag" } },
  { by: "lan", get: `${path}?x=1`, status: 400, problem: { code: "unknown_parameter" } },
  { by: "stranger", get: path, status: 404, never: [digits] },
  { by: "nobody", get: path, status: 401, never: [digits] },
]);

inWorld("a link to download a file", given, (world) => {
  test("works without an Authorization header, for that file alone, until the session ends", async () => {
    const { send, ids } = world();
    const { status, json } = await send("lan", "GET", "/api/files/$digits/download-url");
    expect([status, json.expires_in]).toEqual([200, 900]);
    const url = new URL(json.download_url);
    expect(url.pathname).toBe(`/api/files/${ids["digits"]}/download`);
    const got = await fetch(url, { headers: { range: "bytes=0-1" } });
    expect([got.status, await got.text()]).toEqual([206, "01"]);
    const other = await fetch(String(url).replace(ids["digits"]!, ids["empty"]!));
    expect([other.status, ((await other.json()) as { code: string }).code]).toEqual([401, "invalid_ticket"]);
    expect((await fetch(url, { method: "DELETE" })).status).toBe(405);
    const view = await fetch(String(url).replace("/download?", "?"));
    expect(view.status).toBe(401);
  });

  test("is not given for a file that one does not see", async () => {
    expect((await world().send("stranger", "GET", "/api/files/$digits/download-url")).status).toBe(404);
  });
});

inWorld("whatever is downloaded", {}, (world) => {
  test("is to be saved and runs nowhere, whatever it calls itself", async () => {
    const scripts: [name: string, bytes: string, type: string][] = [
      [
        "logo.png",
        '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "image/svg+xml",
      ],
      ["a.txt", "<!DOCTYPE html><script>alert(1)</script>", "text/html; charset=utf-8"],
      ["b.jpg", "  <script>alert(1)</script>", "text/html; charset=utf-8"],
      ["c.gif", '<?xml version="1.0"?><!-- x --><svg onload="alert(1)"/>', "image/svg+xml"],
      ["d.csv", '<?xml version="1.0"?><x/>', "application/xml"],
      ["e.html", "no tag in here", "text/plain; charset=utf-8"],
      ["f.html", "%PDF-1.7 x", "application/pdf"],
      ["g.svg", "GIF89a\x01\x00\x01\x00", "image/gif"],
    ];
    for (const [name, bytes, type] of scripts) {
      const { id } = await upload(world(), "lan", name, bytes);
      const { headers } = await world().send("lan", "GET", `/api/files/${id}/download`);
      expect([name, headers.get("content-type")]).toEqual([name, type]);
      expect(headers.get("content-disposition")).toMatch(/^attachment;/);
      expect(headers.get("content-security-policy")).toMatch(/^sandbox;/);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
    }
  });

  test("has its name, in whatever script, and nothing of it gets out of the header", async () => {
    const names: [sent: string, name: string, header: string][] = [
      [
        "Hợp đồng số 7.pdf",
        "Hợp đồng số 7.pdf",
        "filename=\"Hop _ong so 7.pdf\"; filename*=UTF-8''H%E1%BB%A3p%20%C4%91%E1%BB%93ng%20s%E1%BB%91%207.pdf",
      ],
      ["عقد.docx", "عقد.docx", "filename=\"___.docx\"; filename*=UTF-8''%D8%B9%D9%82%D8%AF.docx"],
      ["🦊 (1).txt", "🦊 (1).txt", "filename=\"_ (1).txt\"; filename*=UTF-8''%F0%9F%A6%8A%20%281%29.txt"],
      ["../../etc/passwd", "passwd", 'filename="passwd"'],
      ["C:\\\\Windows\\\\win.ini", "win.ini", 'filename="win.ini"'],
      ["..", "unnamed", 'filename="unnamed"'],
      ["", "unnamed", 'filename="unnamed"'],
      ["100%.txt", "100%.txt", "filename=\"100_.txt\"; filename*=UTF-8''100%25.txt"],
      ["a\u202etxt.exe", "atxt.exe", 'filename="atxt.exe"'],
      [`${"x".repeat(400)}.pdf`, `${"x".repeat(251)}.pdf`, `filename="${"x".repeat(251)}.pdf"`],
    ];
    for (const [sent, name, header] of names) {
      const file = await upload(world(), "lan", sent, "x");
      expect(file).toMatchObject({ name, original_name: name });
      const { headers } = await world().send("lan", "GET", `/api/files/${file.id}/download`);
      expect(headers.get("content-disposition")).toBe(`attachment; ${header}`);
    }
  });
});

test("no name breaks out of its header", () => {
  for (const name of ['a"; x="b', "a\r\nSet-Cookie: x=1", "a\\", "a\0b", "a'b", "*", "\ud800"]) {
    const header = attachment(name);
    expect(header).toMatch(/^attachment; filename="[^"\\%\r\n]*"(; filename\*=UTF-8''[\w.!#$&+^`|~%-]+)?$/);
  }
});

inWorld("what goes over the wire", given, (world) => {
  const ask = (method: string, headers: string) => {
    const { server, people, ids } = world();
    const target = `/api/files/${ids["digits"]}/download`;
    const bearer = `Authorization: Bearer ${people.lan.token}`;
    return rawHttp(
      server.url,
      `${method} ${target} HTTP/1.1\r\nHost: x\r\n${bearer}\r\n${headers}Connection: close\r\n\r\n`,
    );
  };

  test("is the part that was asked for, and its length", async () => {
    const { status, headers, body } = await ask("GET", "Range: bytes=8-\r\n");
    expect([status, headers.get("content-length"), headers.get("transfer-encoding"), body]).toEqual([
      206,
      "2",
      null,
      "89",
    ]);
  });

  test("is no body for HEAD, and the length that there would be", async () => {
    const { status, headers, body } = await ask("HEAD", "");
    expect([status, headers.get("content-length"), body]).toEqual([200, "10", ""]);
  });
});
