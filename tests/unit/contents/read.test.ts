/** What stands in files: read from real ones, and refused of those that are damaged or made to do harm. */
import { afterAll, describe, expect, test } from "bun:test";
import { longestText, readingOf, Unreadable } from "../../../src/contents/contents";
import { readContents } from "../../../src/contents/read";
import { ContentReader } from "../../../src/contents/reader";
import { mediaTypeOf } from "../../../src/features/files/media-type";
import {
  bitmap,
  cameraName,
  docx,
  film,
  gif,
  pdf,
  photo,
  picture,
  pixelBomb,
  pptx,
  xlsx,
  zip,
} from "../../support/documents";

const reader = new ContentReader();
afterAll(() => reader.close());

/** Reads bytes as an upload of them is read: by the type that they have. */
async function read(bytes: Uint8Array<ArrayBuffer>) {
  const type = await mediaTypeOf(bytes);
  return reader.read({ type, bytes: bytes.slice() });
}

const text = (value: string) => new TextEncoder().encode(value);

describe("documents", () => {
  test("a PDF has pages, a title, an author and text", async () => {
    const found = await read(pdf(["The quick brown fox", "jumps over"], { title: "Foxes", author: "Ada" }));
    expect(found.metadata).toEqual({ pages: 2, title: "Foxes", author: "Ada" });
    expect(found.text).toBe("The quick brown fox\njumps over");
  });

  test("Word, Excel and PowerPoint", async () => {
    const word = await read(docx(["Hợp đồng số 7", "اتفاقية 🤝 R&D"], { title: "Hợp đồng", author: "Lan" }));
    expect(word).toMatchObject({
      text: "Hợp đồng số 7\nاتفاقية 🤝 R&D",
      metadata: { title: "Hợp đồng", author: "Lan" },
    });
    const sheet = await read(
      xlsx([
        ["Name", "Sum"],
        ["Bjørn", 1250.5],
      ]),
    );
    expect(sheet).toMatchObject({ text: "Name Sum\nBjørn 1250.5", metadata: { sheets: 1 } });
    const slides = await read(pptx(Array.from({ length: 11 }, (_, i) => `Slide ${i + 1}`)));
    expect(slides.metadata).toEqual({ slides: 11 });
    expect(slides.text).toStartWith("Slide 1\nSlide 2\nSlide 3");
  });

  test("plain text and pages", async () => {
    expect((await read(text("\uFEFFXin chào  \n\n\n  thế giới"))).text).toBe("Xin chào\nthế giới");
    expect((await readContents({ type: "text/plain", bytes: text("a\u0007  b\n\n\n c ") })).text).toBe(
      "a b\nc",
    );
    const page = text(
      "<!doctype html><title>T&amp;T</title><script>let x = 1</script><p>Fish &lt; chips<p>&#127866;",
    );
    expect(await read(page)).toMatchObject({ metadata: { title: "T&T" }, text: "T&T\nFish < chips\n🍺" });
  });

  test("plain text and pages that are not in UTF-8", async () => {
    const latin = (written: string) => new Uint8Array(Buffer.from(written, "latin1"));
    const utf16 = (written: string) => new Uint8Array(Buffer.from(written, "utf16le"));
    expect((await read(latin("Müller & Söhne, \x93Köln\x94"))).text).toBe("Müller & Söhne, “Köln”");
    expect((await read(utf16("\ufeffHợp đồng"))).text).toBe("Hợp đồng");
    expect((await read(new Uint8Array(Buffer.from(utf16("\ufeffHợp đồng")).swap16()))).text).toBe("Hợp đồng");
    // Windows-1258 writes a vowel and then its tone.
    expect((await read(latin("\xd0\xe3ng vi\xea\xf2n, ti\xea\xecng Vi\xea\xf2t"))).text).toBe(
      "Đăng viện, tiếng Việt".normalize("NFC"),
    );
    const page = latin("<!doctype html><title>Caf\xe9</title><p>Gr\xfc\xdfe aus K\xf6ln");
    expect(await read(page)).toMatchObject({ metadata: { title: "Café" }, text: "Café\nGrüße aus Köln" });
  });

  test("a long text is cut between letters", async () => {
    const { text: kept, isCut } = await read(text("🤝".repeat(longestText)));
    expect([kept!.length <= longestText + 1, isCut, kept!.isWellFormed()]).toEqual([true, true, true]);
  });
});

describe("images", () => {
  test("have a size, what their camera says, and three previews: upright, in WebP, without where it stood", async () => {
    const { metadata, previews, text } = await read(await photo(2_000, 1_000));
    expect(metadata).toMatchObject({
      ...{ width: 1_000, height: 2_000, camera_make: "Nordlys", camera_model: cameraName },
      ...{ taken_at: "2026-05-17T09:30:00", orientation: 6 },
    });
    expect(JSON.stringify(metadata)).not.toMatch(/gps|latitude|59/i);
    expect(text).toBeNull();
    expect(previews.map(({ size, width, height }): unknown[] => [size, width, height])).toEqual([
      ...[
        ["large", 640, 1_280],
        ["medium", 240, 480],
        ["small", 80, 160],
      ],
    ]);
    for (const { bytes } of previews) {
      expect(await mediaTypeOf(bytes)).toBe("image/webp");
      expect(Buffer.from(bytes).toString("latin1")).not.toMatch(/Exif|Nordlys/);
    }
  });

  test.each(["png", "webp", "jpeg"] as const)("%s", async (format) => {
    const { metadata, previews } = await read(await picture(format));
    expect(metadata).toEqual({ width: 64, height: 32 });
    expect(previews.map(({ width, height }) => `${width}x${height}`)).toEqual(["64x32", "64x32", "64x32"]);
  });

  test("GIF and BMP", async () => {
    expect((await read(gif)).metadata).toEqual({ width: 1, height: 1 });
    expect((await read(bitmap(8, 4))).metadata).toEqual({ width: 8, height: 4 });
  });
});

describe("what is not read", () => {
  test("films, archives and SVG", async () => {
    for (const bytes of [film, zip({ "a.txt": "x" }), text('<svg xmlns="http://www.w3.org/2000/svg"/>')])
      expect(readingOf(await mediaTypeOf(bytes))).toBeUndefined();
    await expect(readContents({ type: "image/svg+xml", bytes: text("<svg/>") })).rejects.toThrow(Unreadable);
  });

  const bomb = () => docx([], {}, new Uint8Array(40e6).fill(32));
  test.each([
    ["an image of 3.6 billion pixels", () => pixelBomb(), "It has more than 50 million pixels."],
    ["a document that is 40 MB once it is unpacked", bomb, "It is too large once it is unpacked."],
    ["half an image", async () => (await picture("png")).slice(0, 60), "It is a damaged image."],
    ["a document that is no XML", () => docx([], {}, "<w:p><w:t>a"), "It is a damaged document."],
    ["half a document", () => docx(["x"]).slice(0, -40), "It is a damaged document."],
    ["a PDF of nothing", () => text("%PDF-1.4\nnothing"), "It is a damaged PDF."],
  ])("%s", async (_, make, why) => {
    const bytes = (await make()) as Uint8Array<ArrayBuffer>;
    const error = await read(bytes).catch((problem: unknown) => problem);
    expect(error).toBeInstanceOf(Unreadable);
    expect((error as Error).message).toBe(why);
  });

  test("entities of a document's own are not resolved: nothing grows, and no file is read", async () => {
    const body =
      '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd"><!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><w:p><w:t>&f;&b;</w:t></w:p>';
    const error = await read(docx([], {}, body)).catch((problem: unknown) => problem);
    expect(error).toBeInstanceOf(Unreadable);
  });

  test("a part that is larger than it says ends where it says", async () => {
    const bytes = docx(["x".repeat(100_000)]);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    // The size once unpacked, in the directory at the end, of the third and last part.
    const at = Buffer.from(bytes).lastIndexOf("PK\u0001\u0002", -1, "latin1");
    view.setUint32(at + 24, 500, true);
    const error = await read(bytes).catch((problem: unknown) => problem);
    expect(error).toBeInstanceOf(Unreadable);
  });
});

test("what takes too long is given up, and the next one is read", async () => {
  const hasty = new ContentReader(1);
  const slow = hasty.read({ type: "image/png", bytes: await picture("png", 3_000, 3_000) });
  await expect(slow).rejects.toThrow("It takes too long to read.");
  hasty.close();
  await expect(hasty.read({ type: "text/plain", bytes: text("x") })).rejects.toThrow("The server stops.");
});
