/** Requests that nobody means well with, made from the OpenAPI document. Repeatable by their seed. */
import type { OpenApiDocument, Operation, ParameterObject, Schema } from "../../src/http/openapi/document";
import { formOf, type ExampleForm } from "../support/files";
import { Picker } from "../unit/list/random";

/** One request, as it is sent. */
export interface HostileRequest {
  method: string;
  /** With its query. */
  target: string;
  headers: Record<string, string>;
  body?: string | Uint8Array<ArrayBuffer>;
}

/** Values that exist: ids by the name before them in a path, and others by the name of their field. */
export type Known = Readonly<Record<string, readonly string[]>>;

const id = "01941f29-7c00-7000-8000-000000000001";
const deep = (levels: number) => `${'{"a":['.repeat(levels)}${"]}".repeat(levels)}`;

/** Texts where no text was thought of. */
const texts = [
  ...["", " ", "\0", "a\0b", "\ud800", "x\udfff", "\u202e", "🦊", "é".repeat(300), "x".repeat(70_000)],
  ...[
    "null",
    "undefined",
    "NaN",
    "true",
    "-1",
    "0",
    "1e999",
    "99999999999999999999",
    "0x10",
    "1,2,3",
    ",",
    "\\",
  ],
  ...[
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "' or 1=1 --",
    '"; drop table users',
    "%",
    "%_",
  ],
  ...["<script>alert(1)</script>", "{{7*7}}", "${7*7}", "../../etc/passwd", "file:///etc/passwd", "\r\nX: y"],
  ...["2026-02-30T00:00:00Z", "2026-01-01", "now-9999y", "today+1mo", "0000-01-01T00:00:00Z", "now+", id],
  ...[
    "*",
    'W/"v1"',
    '"v1"',
    '"v99999999999"',
    "eyJhIjoxfQ",
    "WyJ4IixudWxsLCJ4Il0",
    "a@b",
    "FREQ=DAILY",
    "+47",
  ],
];

const values: unknown[] = [
  ...[null, true, false, 0, -1, 1.5, 2 ** 31, 2 ** 53, -(2 ** 63), 1e308, [], {}, [[]], [null], [{}]],
  ...[{ $ne: null }, { toString: "x" }, Array(300).fill("x"), Array(60).fill("tag"), { length: 5 }],
];

const names = [
  ...[
    "__proto__",
    "constructor",
    "prototype",
    "toString",
    "id",
    "version",
    "role",
    "created_by",
    "deleted_at",
  ],
  ...["", " ", "a.b", "a/b~c", "\0", "\ud800", "x".repeat(5_000), "$where", "0", "length"],
];

const mediaTypes = [
  ...["application/json", "application/json; charset=utf-8", "application/json; charset=utf-16", "text/json"],
  ...[
    "application/merge-patch+json",
    "text/plain",
    "text/csv",
    "application/xml",
    "multipart/form-data; boundary=x",
  ],
  ...[
    "multipart/form-data",
    "application/x-www-form-urlencoded",
    "application/octet-stream",
    ";",
    "a/b; =",
    "json",
  ],
];

const rawBodies: (string | Uint8Array<ArrayBuffer>)[] = [
  ...[
    "",
    "{",
    "}",
    "null",
    "true",
    "5",
    '"x"',
    "[]",
    "[{}]",
    "{}",
    "{'a':1}",
    '{"a":1,}',
    "\ufeff{}",
    "a=b&c=d",
  ],
  ...[
    deep(20),
    deep(40),
    deep(5_000),
    '{"__proto__":{"role":"admin"}}',
    '{"constructor":{"prototype":{"x":1}}}',
  ],
  ...['{"name":"a","name":"b"}', '{"name":1e400}', '{"name":"\\ud800"}', '{"\\u0000":1}', "--x\r\n\r\n--x--"],
  new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]),
  new Uint8Array([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]),
  JSON.stringify({ name: "x".repeat(1_100_000) }),
];

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "QUERY"];

const headerValues = [
  ...[
    "",
    " ",
    ",",
    "*",
    '"',
    '"v1"',
    'W/"v1"',
    '"v1", "v2"',
    '"v0"',
    "v1",
    '"v999999999999999999999"',
    '"\u00ff"',
  ],
  ...[
    "x".repeat(300),
    "x".repeat(4_000),
    "\u00e9",
    "a b",
    "1",
    "gzip",
    "bytes=0-1",
    "bytes=9-1",
    "null",
    "\t",
  ],
];

const headerNames = [
  ...["if-match", "if-none-match", "idempotency-key", "x-request-id", "accept", "accept-encoding", "range"],
  ...[
    "content-encoding",
    "x-http-method-override",
    "origin",
    "x-forwarded-for",
    "x-forwarded-proto",
    "cookie",
  ],
  ...["if-modified-since", "content-language", "access-control-request-method", "forwarded", "via", "te"],
];

/** Makes requests for every operation of the document, one after the other. */
export class HostileRequests {
  readonly #pick: Picker;
  readonly #operations: { path: string; method: string; operation: Operation }[];

  constructor(document: OpenApiDocument, seed: number) {
    this.#pick = new Picker(seed);
    this.#operations = Object.entries(document.paths).flatMap(([path, methodsOfPath]) =>
      Object.entries(methodsOfPath).map(([method, operation]) => ({ path, method, operation })),
    );
  }

  /** The next one. `known` fills paths and examples, so that some get past the first check. */
  next(known: Known): HostileRequest {
    const { path, method, operation } = this.#pick.of(this.#operations);
    const parameters = operation.parameters ?? [];
    const request: HostileRequest = {
      method: this.#rarely(12) ? this.#pick.of(methods) : method.toUpperCase(),
      target: this.#path(path, known) + this.#query(parameters.filter((one) => one.in === "query")),
      headers: this.#headers(parameters.filter((one) => one.in === "header")),
    };
    const hasBody = operation.requestBody !== undefined ? !this.#rarely(20) : this.#rarely(6);
    if (hasBody && request.method !== "GET" && request.method !== "HEAD")
      this.#addBody(request, operation, known);
    return request;
  }

  /** True once in so many times. */
  #rarely(times: number) {
    return this.#pick.number(1, times) === 1;
  }

  #path(path: string, known: Known): string {
    const written = path.replaceAll(/([^/]+)\/\{(\w+)\}/g, (_, before: string, name: string) => {
      const ids = known[name === "id" ? before : name] ?? [];
      return `${before}/${this.#rarely(3) || ids.length === 0 ? this.#badSegment() : this.#pick.of(ids)}`;
    });
    if (!this.#rarely(30)) return written;
    return this.#pick.of([
      `${written}/`,
      `${written}//`,
      written.toUpperCase(),
      `${written}/x`,
      `/${written}`,
    ]);
  }

  #badSegment(): string {
    const raw = ["%00", "%ff", "%zz", "%2e%2e", "%2F", ";x", "a%0d%0ab", id, id.toUpperCase(), `${id}x`];
    const text = this.#pick.of(texts).toWellFormed().slice(0, 4_000);
    return this.#rarely(2) ? this.#pick.of(raw) : encodeURIComponent(text) || "x";
  }

  #query(parameters: ParameterObject[]): string {
    const parts: string[] = [];
    const count = parameters.length > 0 ? this.#pick.number(0, 3) : this.#rarely(8) ? 1 : 0;
    for (let i = 0; i < count; i++) parts.push(this.#queryPart(parameters));
    return parts.length > 0 ? `?${parts.join("&")}` : "";
  }

  #queryPart(parameters: ParameterObject[]): string {
    const raw = [
      "%",
      "a=%ff",
      "=",
      "&&",
      "filter[]=x",
      "filter[__proto__]=x",
      "filter[id][__proto__]=x",
      "__proto__=1",
    ];
    if (parameters.length === 0 || this.#rarely(6)) return this.#pick.of(raw);
    const { name, schema } = this.#pick.of(parameters);
    return `${encodeURIComponent(name)}=${encodeURIComponent(this.#parameterText(schema).toWellFormed().slice(0, 1_000))}`;
  }

  #parameterText(schema: Schema): string {
    if (this.#rarely(2)) return this.#pick.of(texts);
    if (Array.isArray(schema.enum)) return String(this.#pick.of(schema.enum));
    if (schema.type === "integer") return String(this.#pick.number(-1, 300));
    if (schema.type === "boolean") return this.#pick.of(["true", "false"]);
    return this.#pick.of(["bjorn", "now-7d", "2026-05-04T09:00:00Z", id, "a,b", "name,-created_at", "vip"]);
  }

  #headers(declared: ParameterObject[]): Record<string, string> {
    const headers: Record<string, string> = {};
    for (const { name } of declared) if (this.#rarely(3)) headers[name.toLowerCase()] = this.#headerValue();
    if (this.#rarely(6)) headers[this.#pick.of(headerNames)] = this.#headerValue();
    return headers;
  }

  #headerValue = () => this.#pick.of(headerValues);

  #addBody(request: HostileRequest, { requestBody }: Operation, known: Known): void {
    request.headers["content-type"] = this.#rarely(8) ? this.#pick.of(mediaTypes) : "application/json";
    const example = requestBody?.content["application/json"]?.example;
    const form = requestBody?.content["multipart/form-data"]?.example;
    if (form !== undefined && !this.#rarely(4)) return this.#addForm(request, form as ExampleForm);
    request.body = this.#rarely(5) ? this.#pick.of(rawBodies) : this.#changed(example ?? {}, known);
    if (this.#rarely(30)) delete request.headers["content-type"];
  }

  /** The example as a form, in which something is left out, written over or cut off. */
  #addForm(request: HostileRequest, example: ExampleForm): void {
    const fields = Object.entries(example).map(([name, value]) => [
      this.#rarely(6) ? this.#pick.of(names).replaceAll(/["\r\n]/g, "_") : name,
      typeof value === "string" && !this.#rarely(3) ? this.#pick.of(texts) : value,
    ]);
    const { raw, headers } = formOf(Object.fromEntries(fields) as ExampleForm);
    Object.assign(request.headers, headers);
    request.body = this.#rarely(3) ? raw.slice(0, this.#pick.number(0, raw.length)) : raw;
  }

  /** The example, in which up to three things are wrong; JSON text, as some names cannot be written in an object. */
  #changed(example: object, known: Known): string {
    const members = new Map<string, unknown>(Object.entries(example));
    for (const [name, value] of members) {
      if (value === id) members.set(name, this.#pick.of(Object.values(known).flat()));
      else if (known[name]) members.set(name, this.#pick.of(known[name]));
    }
    for (let i = this.#pick.number(0, 3); i > 0; i--) {
      const name = this.#pick.of([...members.keys(), "name"]);
      if (this.#rarely(4)) members.delete(name);
      else members.set(this.#rarely(4) ? this.#pick.of(names) : name, this.#value());
    }
    const written = [...members].map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
    return `{${written.join(",")}}`;
  }

  #value(): unknown {
    return this.#rarely(2) ? this.#pick.of(texts) : this.#pick.of(values);
  }
}
