import { describe, expect, test } from "bun:test";
import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { ValidationError } from "elysia";
import { DbError } from "../../../src/db/errors";
import { Invalid, Refusal, Stale, TooMany, Unauthenticated } from "../../../src/errors";
import { readIdempotencyKey } from "../../../src/http/idempotency";
import { requestIdOf } from "../../../src/http/call";
import { allowedMethods, routeTable } from "../../../src/http/methods";
import { permissionKey } from "../../../src/http/declared";
import { faultOf, problemOf } from "../../../src/http/problem";
import { refusalOf } from "../../../src/http/refusals";
import { Body, Email, Id, Nullable, Text, Url } from "../../../src/http/schema";
import { sealWith } from "../../../src/http/seal";

describe("a problem document", () => {
  const refusal = new Refusal("conflict", "email_taken", "Another client has this email.", {
    members: { conflicting_id: "7" },
  });

  test("has every member of the contract", () => {
    expect(problemOf(refusal, "/api/clients", "request-1")).toEqual({
      type: "urn:neocrm:problem:email_taken",
      title: "Conflict",
      status: 409,
      detail: "Another client has this email.",
      instance: "/api/clients",
      code: "email_taken",
      request_id: "request-1",
      error: "Another client has this email.",
      conflicting_id: "7",
    });
  });

  test("of a fault tells nothing of it", () => {
    const fault = faultOf("/api/clients", "request-1");
    expect(fault).toMatchObject({ status: 500, code: "internal_error", request_id: "request-1" });
    expect(fault.error).toBe(fault.detail);
  });

  test("carries the headers that its status asks for", () => {
    expect(new TooMany("rate_limited", "x", 1_400).details.headers).toEqual({ "retry-after": "2" });
    expect(new TooMany("rate_limited", "x", 0).details.headers).toEqual({ "retry-after": "1" });
    expect(new Unauthenticated("x").details.headers!["www-authenticate"]).toStartWith("Bearer");
    expect(new Stale(3, ["notes"]).details).toMatchObject({
      headers: { etag: '"v3"' },
      members: { changed: ["notes"], version: 3 },
    });
  });
});

describe("what was thrown", () => {
  const found = (error: unknown) => refusalOf(error)?.kind;

  test("is a refusal, however deep it lies", () => {
    const invalid = new Invalid([{ field: "name", code: "required", message: "is required" }]);
    expect(refusalOf(new Error("outer", { cause: new Error("inner", { cause: invalid }) }))).toBe(invalid);
  });

  test("by the database is told by its kind", () => {
    expect(found(new DbError("unique", "clients.email_normal"))).toBe("conflict");
    expect(found(new DbError("busy"))).toBe("busy");
    expect(found(new DbError("unavailable"))).toBe("busy");
    expect(found(new DbError("full"))).toBe("no_space");
    for (const kind of ["check", "not_null", "foreign_key"] as const)
      expect(found(new DbError(kind))).toBeUndefined();
  });

  test("and is nothing we know is our fault", () => {
    for (const error of [new Error("a bug"), new TypeError("x"), "text", null, undefined, 7, {}]) {
      expect(found(error)).toBeUndefined();
    }
    const loop = new Error("loop");
    loop.cause = loop;
    expect(found(loop)).toBeUndefined();
  });

  test("by a schema names each field once, the first fifty", () => {
    const schema = Body({ name: Text(5), tags: Type.Array(Text(5)) });
    const validator = { schema, Errors: (value: unknown) => Value.Errors(schema, value) };
    const value = { name: "", tags: Array.from({ length: 500 }, () => 1), "a/b~c": 1 };
    const { errors } = refusalOf(new ValidationError("body", validator as never, value))!.details;
    expect(errors).toHaveLength(50);
    expect(errors!.map(({ field }) => field).slice(0, 3)).toEqual(["a/b~c", "name", "tags.0"]);
    expect(new Set(errors!.map(({ field }) => field)).size).toBe(50);
  });

  test("by the path's schema is not found", () => {
    const schema = Type.Object({ id: Id });
    const validator = { schema, Errors: (value: unknown) => Value.Errors(schema, value) };
    expect(found(new ValidationError("params", validator as never, { id: "x" }))).toBe("not_found");
  });
});

describe("the shared schemas", () => {
  const fits = (schema: Parameters<typeof Value.Check>[0], value: unknown) => Value.Check(schema, value);

  test("e-mail addresses", () => {
    for (const email of [
      "a@b.vn",
      "a@localhost",
      "đặng@thư.vn",
      "a.b+c@d-e.f.gh",
      `${"x".repeat(64)}@b.vn`,
    ]) {
      expect([email, fits(Email, email)]).toEqual([email, true]);
    }
    for (const email of [
      "a@b",
      "a@b.",
      "a@.b.vn",
      "a@b..vn",
      "a@@b.vn",
      "a b@c.vn",
      `${"x".repeat(65)}@b.vn`,
      "a@b.vn\n",
      "a@b.vn,c",
    ]) {
      expect([email, fits(Email, email)]).toEqual([email, false]);
    }
  });

  test("an address that fits nowhere is refused without trying every way to read it", () => {
    for (const part of [".", "a.", "a", "..a"])
      expect(fits(Email, `a@${part.repeat(120).slice(0, 250)} `)).toBe(false);
  });

  test("text is more than blanks", () => {
    for (const [text, wanted] of [
      ["a", true],
      [" a ", true],
      ["", false],
      [" ", false],
      ["\u3000\t", false],
      ["123456", false],
    ] as const) {
      expect([text, fits(Text(5), text)]).toEqual([text, wanted]);
    }
  });

  test("null is taken where it is allowed, and never undefined", () => {
    expect(fits(Nullable(Text(5)), null)).toBe(true);
    expect(fits(Nullable(Text(5)), undefined)).toBe(false);
  });

  test("URLs of the web only", () => {
    expect(fits(Url, "https://a.vn/x?y#z")).toBe(true);
    for (const url of ["//a.vn", "ftp://a.vn", "javascript:alert(1)", "https://", "https:// a", "HTTPS"])
      expect(fits(Url, url)).toBe(false);
  });
});

describe("a request id", () => {
  test("is taken when it is safe to log", () => {
    for (const id of ["12345678", "a".repeat(128), "A-b_c.d:e"])
      expect(requestIdOf(id)).toBe(id.length >= 8 ? id : "");
    for (const id of [null, "", "1234567", "a".repeat(129), "a b c d e", "a\r\nb: cdef", "ééééééééé"]) {
      expect(requestIdOf(id)).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
});

describe("an idempotency key", () => {
  test("is up to 255 visible characters", () => {
    for (const key of ["a", "k".repeat(255), '"quoted"', "!~"]) expect(readIdempotencyKey(key)).toBe(key);
    for (const key of ["", " ", "a b", "k".repeat(256), "é", "a\t"])
      expect(() => readIdempotencyKey(key)).toThrow(Refusal);
  });
});

describe("the table of routes", () => {
  const route = (method: string, path: string) => ({
    method,
    path,
    hooks: { detail: { [permissionKey]: "public" } },
  });
  const table = routeTable([
    route("GET", "/api/clients"),
    route("POST", "/api/clients/"),
    route("PATCH", "/api/clients/:id"),
    route("GET", "/a.b"),
  ]);

  test("says which methods a path has", () => {
    expect(allowedMethods(table, "/api/clients")).toEqual(["GET", "HEAD", "POST"]);
    expect(allowedMethods(table, "/api/clients/")).toEqual(["GET", "HEAD", "POST"]);
    expect(allowedMethods(table, "/api/clients/7")).toEqual(["PATCH"]);
    for (const path of ["/api/clients/7/8", "/api/client", "/api/clients//", "/aXb", "/"])
      expect(allowedMethods(table, path)).toEqual([]);
  });

  test("does not start with a route that anybody could call by accident", () => {
    expect(() => routeTable([{ method: "GET", path: "/open", hooks: {} }])).toThrow("GET /open");
  });
});

describe("a seal", () => {
  const seal = sealWith("a secret of this server, long enough");

  test("gives back what was closed with it", () => {
    for (const text of ["", "x", "🦊", "a".repeat(10_000)]) expect(seal.open(seal.close(text))).toBe(text);
  });

  test("closes the same text differently each time, and shows none of it", () => {
    expect(seal.close("the refresh token")).not.toBe(seal.close("the refresh token"));
    expect(Buffer.from(seal.close("the refresh token"), "base64url").toString("latin1")).not.toContain(
      "refresh",
    );
  });

  test("opens nothing that was changed, cut or closed by another server", () => {
    const closed = seal.close("text");
    expect(() => sealWith("another secret of another server").open(closed)).toThrow();
    for (const forged of [
      "",
      "x",
      closed.slice(0, -2),
      `${closed.startsWith("A") ? "B" : "A"}${closed.slice(1)}`,
    ]) {
      expect(() => seal.open(forged)).toThrow();
    }
  });
});
