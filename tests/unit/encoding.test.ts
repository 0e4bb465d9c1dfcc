import { describe, expect, test } from "bun:test";
import { EncodingFinder, type Encoding } from "../../src/encoding";

/** What is found of bytes that come one after the other, so that every border between two chunks is tried. */
function found(bytes: Uint8Array, given?: Encoding) {
  const finder = new EncodingFinder();
  for (let i = 0; i < bytes.length; i++) finder.see(bytes.subarray(i, i + 1));
  return finder.found(given);
}

const latin = (text: string) => new Uint8Array(Buffer.from(text, "latin1"));
const utf8 = (text: string) => new TextEncoder().encode(text);

describe("the encoding of a file", () => {
  test.each([
    ["utf-8", true, utf8("name\nĐặng 日本 😀\n")],
    ["utf-8", true, utf8("name\nplain\n")],
    ["utf-8", true, new Uint8Array()],
    ["utf-8", false, new Uint8Array([...utf8("é".repeat(20)), 0xff])],
    ["utf-8", false, utf8("name\né").subarray(0, -1)],
    // Half of a surrogate pair, a slash that is too long, and more than there is of Unicode.
    ["utf-8", false, new Uint8Array([...utf8("é".repeat(20)), 0xed, 0xa0, 0x80])],
    ["utf-8", false, new Uint8Array([...utf8("é".repeat(20)), 0xe0, 0x80, 0xaf])],
    ["utf-8", false, new Uint8Array([...utf8("é".repeat(20)), 0xf4, 0x90, 0x80, 0x80])],
    // Of two encodings, and hardly of two.
    ["utf-8", false, new Uint8Array([...utf8("Luís"), ...latin("Müller")])],
    ["windows-1252", false, latin("Müller, Köhler, Ö\x93, Jürgen")],
    ["utf-16le", false, new Uint8Array(Buffer.from("\ufeffname\n", "utf16le"))],
    ["utf-16le", false, new Uint8Array(Buffer.from("name,company\nĐặng,x\n", "utf16le"))],
    ["utf-16be", false, new Uint8Array(Buffer.from("name,company\nĐặng,x\n", "utf16le").swap16())],
    ["windows-1252", false, latin("François Müller, Café, Ærø, Ñandú, Òscar")],
    ["windows-1258", false, latin("Nguyê\xden Thi\xf2 Hoa\xcc, \xd0ã\xf2ng Vãn Lô\xf2c")],
  ] as const)("%s, sound: %p", (encoding, isSound, bytes) => {
    expect(found(bytes)).toEqual({ encoding, isSound });
  });

  test("is what its sender says, where they do", () => {
    expect(found(latin("Caf\xe9"), "windows-1258")).toEqual({ encoding: "windows-1258", isSound: false });
    expect(found(latin("Caf\xe9"), "utf-8")).toEqual({ encoding: "utf-8", isSound: false });
  });
});
