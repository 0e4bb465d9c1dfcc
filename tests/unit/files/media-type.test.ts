/** What a file is by its bytes: of real files, and of what pretends to be one. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { headBytes, mediaTypeOf } from "../../../src/features/files/media-type";

const root = join(import.meta.dir, "../../..");
const utf8 = (text: string) => new TextEncoder().encode(text);

test.each([
  ["src/web/monitor/page.html", "text/html"],
  ["src/app.ts", "text/plain"],
  ["package.json", "text/plain"],
  ["tests/fixtures/chinook-customers.csv", "text/plain"],
  ["node_modules/swagger-ui-dist/favicon-32x32.png", "image/png"],
  ["node_modules/bun-types/package.json", "text/plain"],
])("%s is %s", async (path, type) => {
  expect(await mediaTypeOf(readFileSync(join(root, path)).subarray(0, headBytes))).toBe(type);
});

test.each([
  ["", "application/octet-stream"],
  ["plain", "text/plain"],
  ["\ufeffHợp đồng", "text/plain"],
  ["a\0b", "application/octet-stream"],
  ["a\x1bb", "text/plain"],
  ["<!doctype html><p>x", "text/html"],
  ["\n\t <HTML>", "text/html"],
  ["<!-- x --><body onload=x>", "text/html"],
  ["<b>x</b>", "text/html"],
  ["<svg/>", "image/svg+xml"],
  ["<svg >", "image/svg+xml"],
  [
    '<?xml version="1.0"?>\n<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x">\n<svg x="1">',
    "image/svg+xml",
  ],
  ['<?xml version="1.0"?><html xmlns="x">', "text/html"],
  ['<?xml version="1.0"?><note/>', "application/xml"],
  ["<?php echo 1; ?>", "text/plain"],
  ["5 < 6 <script>", "text/plain"],
  ["%PDF-1.4\n", "application/pdf"],
  ["GIF89a\x01\0", "image/gif"],
  ["MZ\x90\0\x03", "application/x-msdownload"],
])("%j is %s", async (text, type) => {
  expect(await mediaTypeOf(text.startsWith("MZ") ? Buffer.from(text, "latin1") : utf8(text))).toBe(type);
});

const utf16 = (text: string) => Buffer.from(text, "utf16le");
const latin1 = (text: string) => Buffer.from(text, "latin1");

test.each([
  ["UTF-16 with a mark", utf16("\ufeffHợp đồng số một"), "text/plain"],
  ["UTF-16 the other way round", utf16("\ufeffHợp đồng số một").swap16(), "text/plain"],
  ["UTF-16 without a mark", utf16("Contract number one"), "text/plain"],
  ["a page in UTF-16", utf16("\ufeff<script>alert(1)</script>"), "text/html"],
  ["a picture in UTF-16", utf16('\ufeff<?xml version="1.0"?><svg onload="x">'), "image/svg+xml"],
  [
    "small numbers",
    new Uint8Array(new Int16Array([3, 1, 4, 1, 5, 9, 2, 6]).buffer),
    "application/octet-stream",
  ],
  ["half a character", utf16("Contract").subarray(0, -1), "application/octet-stream"],
  ["Latin-1", latin1("Müller, Köhler, Jürgen"), "text/plain"],
  ["a page in Latin-1", latin1("<!doctype html><p>Müller"), "text/html"],
  ["Windows-1252", latin1("\x93Müller\x94 owes 5 \x80"), "text/plain"],
  ["UTF-8 with a byte that is none", Buffer.concat([utf8("Đặng, Müller, "), latin1("\xff")]), "text/plain"],
  ["bytes", latin1("\x89\xfa\xe3\x99ab"), "application/octet-stream"],
])("%s", async (_, bytes, type) => {
  expect(await mediaTypeOf(bytes)).toBe(type);
});

test("a text that is cut within a character is a text", async () => {
  const text = utf8("é".repeat(headBytes));
  expect(await mediaTypeOf(text.subarray(0, 1_001))).toBe("text/plain");
  expect(await mediaTypeOf(new Uint8Array([0xc3, 0x28]))).toBe("application/octet-stream");
});
