import { describe, expect, test } from "bun:test";
import { Value } from "@sinclair/typebox/value";
import { Email, Url } from "../../../src/http/schema";

describe("an e-mail address", () => {
  test.each([
    "ada@example.com",
    "stanisław.wójcik@wp.pl",
    "用户@例子.中国",
    "a+b_c-d'e@sub.example.co",
    "root@localhost",
    "A@EXAMPLE.COM",
  ])("%p is one", (address) => {
    expect(Value.Check(Email, address)).toBe(true);
  });

  test.each([
    "",
    "ada",
    "ada@",
    "@example.com",
    "ada@example",
    "ada@.com",
    "ada@example..com",
    "ada@example.c",
    "ada lovelace@example.com",
    "ada@exam ple.com",
    "ada@@example.com",
    "<ada@example.com>",
    "ada@example.com,eve@example.com",
    `${"x".repeat(65)}@example.com`,
    `ada@${"x".repeat(250)}.com`,
    "ad\u200ba@example.com",
    "ad\u202ea@example.com",
    "ad\u0007a@example.com",
    "ada@exam\u00adple.com",
    "ad\u034fa@example.com",
    "ad\u061ca@example.com",
    "ad\u3164a@example.com",
    "ad\ufe0fa@example.com",
    "ad\u{e0041}a@example.com",
    "ad\u{1d173}a@example.com",
  ])("%p is none", (address) => {
    expect(Value.Check(Email, address)).toBe(false);
  });

  test("is refused as fast as it is long", () => {
    expect(Value.Check(Email, `a@${"a.".repeat(120)}@`)).toBe(false);
    expect(Value.Check(Email, `${"a".repeat(64)}@${"a".repeat(180)}`)).toBe(false);
    expect([...Value.Errors(Email, `a@${"a.".repeat(520_000)}`)].length).toBeGreaterThan(0);
  });
});

test.each([
  ["https://example.com/a?b=c#d", true],
  ["http://localhost:3000", true],
  ["ftp://example.com", false],
  ["javascript:alert(1)", false],
  ["https://", false],
  ["https:// example.com", false],
])("%p as a URL: %p", (url, isOne) => {
  expect(Value.Check(Url, url)).toBe(isOne);
});
