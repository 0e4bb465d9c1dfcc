import { strToU8, zipSync } from "fflate";

type Bytes = Uint8Array<ArrayBuffer>;

/** A picture without anything about it: its left half red, its right half blue. */
export function bitmap(width: number, height: number): Bytes {
  const row = Math.ceil((width * 3) / 4) * 4;
  const bytes = Buffer.alloc(54 + row * height);
  bytes.write("BM");
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(54, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(width, 18);
  bytes.writeInt32LE(height, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(24, 28);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) bytes[54 + y * row + x * 3 + (x < width / 2 ? 2 : 0)] = 230;
  }
  return new Uint8Array(bytes);
}

/** The same in a format that cameras and browsers have. */
export const picture = async (format: "png" | "jpeg" | "webp", width = 64, height = 32): Promise<Bytes> =>
  new Uint8Array(await new Bun.Image(bitmap(width, height))[format]().bytes());

/** As a camera held upright writes it: to be turned by 90° to the right, with its name, the time and where it stood. */
export async function photo(width = 64, height = 32): Promise<Bytes> {
  const jpeg = await picture("jpeg", width, height);
  const exif = exifBlock();
  const head = Buffer.from([0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(exif.length + 2, 2);
  return new Uint8Array(Buffer.concat([jpeg.subarray(0, 2), head, exif, jpeg.subarray(2)]));
}

/** What stands in a photo and in nothing that is made of it. */
export const cameraName = "Nordlys 3000";

type Entry = { tag: number; type: number; count: number; value: Buffer };
const text = (tag: number, value: string): Entry => ({
  ...{ tag, type: 2, count: value.length + 1, value: Buffer.from(`${value}\0`) },
});
const short = (tag: number, value: number): Entry => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return { tag, type: 3, count: 1, value: bytes };
};
const degrees = (tag: number, whole: number): Entry => {
  const value = Buffer.alloc(24);
  [whole, 1, 30, 1, 0, 1].forEach((part, i) => value.writeUInt32LE(part, i * 4));
  return { tag, type: 5, count: 3, value };
};
const pointer = (tag: number, to: number): Entry => {
  const value = Buffer.alloc(4);
  value.writeUInt32LE(to);
  return { tag, type: 4, count: 1, value };
};

function exifBlock(): Buffer {
  const inner = [text(0x9003, "2026:05:17 09:30:00")];
  const place = [text(1, "N"), degrees(2, 59), text(3, "E"), degrees(4, 10)];
  const outer = (exifAt: number, gpsAt: number) => [
    ...[text(0x010f, "Nordlys"), text(0x0110, cameraName), short(0x0112, 6)],
    ...[pointer(0x8769, exifAt), pointer(0x8825, gpsAt)],
  ];
  const first = directory(8, outer(0, 0)).length;
  const exifAt = 8 + first;
  const second = directory(exifAt, inner);
  const gpsAt = exifAt + second.length;
  const header = Buffer.from([0x49, 0x49, 42, 0, 8, 0, 0, 0]);
  return Buffer.concat([
    Buffer.from("Exif\0\0"),
    ...[header, directory(8, outer(exifAt, gpsAt)), second, directory(gpsAt, place)],
  ]);
}

function directory(at: number, entries: readonly Entry[]): Buffer {
  const table = Buffer.alloc(2 + entries.length * 12 + 4);
  table.writeUInt16LE(entries.length);
  const values: Buffer[] = [];
  let next = at + table.length;
  entries.forEach(({ tag, type, count, value }, i) => {
    const place = 2 + i * 12;
    table.writeUInt16LE(tag, place);
    table.writeUInt16LE(type, place + 2);
    table.writeUInt32LE(count, place + 4);
    if (value.length <= 4) value.copy(table, place + 8);
    else {
      table.writeUInt32LE(next, place + 8);
      values.push(value);
      next += value.length;
    }
  });
  return Buffer.concat([table, ...values]);
}

/** A PNG of a few bytes that says it has this many pixels. */
export async function pixelBomb(width = 60_000, height = 60_000): Promise<Bytes> {
  const bytes = Buffer.from(await picture("png"));
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  bytes.writeUInt32BE(Bun.hash.crc32(bytes.subarray(12, 29)), 29);
  return new Uint8Array(bytes);
}

/** One pixel. */
export const gif = new Uint8Array(
  Buffer.from("R0lGODlhAQABAIAAAP///wAAACH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==", "base64"),
);

/** The beginning of a film: enough to know it for one. */
export const film = new Uint8Array(
  Buffer.concat([
    Buffer.from([0, 0, 0, 24]),
    Buffer.from("ftypisom\0\0\u0002\0isommp42"),
    Buffer.from([0, 0, 0, 8]),
    Buffer.from("mdat"),
  ]),
);

/** A PDF with a page for each text, in the letters of ASCII. */
export function pdf(pages: readonly string[], info: { title?: string; author?: string } = {}): Bytes {
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    `<< /Type /Pages /Count ${pages.length} /Kids [${pages.map((_, i) => `${5 + i * 2} 0 R`).join(" ")}] >>`,
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    `<< /Title (${info.title ?? ""}) /Author (${info.author ?? ""}) >>`,
    ...pages.flatMap((page, i) => {
      const drawn = `BT /F1 12 Tf 72 720 Td (${page}) Tj ET`;
      return [
        `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents ${6 + i * 2} 0 R /Resources << /Font << /F1 3 0 R >> >> >>`,
        `<< /Length ${drawn.length} >>\nstream\n${drawn}\nendstream`,
      ];
    }),
  ];
  let body = "%PDF-1.4\n";
  const places = objects.map((object, i) => {
    const place = body.length;
    body += `${i + 1} 0 obj\n${object}\nendobj\n`;
    return place;
  });
  const table = places.map((place) => `${String(place).padStart(10, "0")} 00000 n \n`).join("");
  const count = objects.length + 1;
  const end = `trailer << /Size ${count} /Root 1 0 R /Info 4 0 R >>\nstartxref\n${body.length}\n%%EOF\n`;
  return strToU8(`${body}xref\n0 ${count}\n0000000000 65535 f \n${table}${end}`) as Bytes;
}

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
const office = "http://schemas.openxmlformats.org";

/** What a part of a document is, as Office writes it down. */
const types = (part: string, type: string) =>
  `<?xml version="1.0" encoding="UTF-8"?><Types xmlns="${office}/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/><Override PartName="${part}" ContentType="application/vnd.openxmlformats-officedocument.${type}.main+xml"/></Types>`;

const core = ({ title = "", author = "" }) =>
  `<cp:coreProperties xmlns:cp="${office}/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>${escaped(title)}</dc:title><dc:creator>${escaped(author)}</dc:creator></cp:coreProperties>`;

/** Texts as a ZIP file, those that belong to a document or any others. */
export const zip = (parts: Record<string, string | Uint8Array>): Bytes =>
  zipSync(
    Object.fromEntries(
      Object.entries(parts).map(([name, part]) => [name, typeof part === "string" ? strToU8(part) : part]),
    ),
  ) as Bytes;

/** A document of Word. @param body what stands in it instead of the paragraphs, as XML */
export const docx = (
  paragraphs: readonly string[],
  info: { title?: string; author?: string } = {},
  body?: string | Uint8Array,
) =>
  zip({
    "[Content_Types].xml": types("/word/document.xml", "wordprocessingml.document"),
    "docProps/core.xml": core(info),
    "word/document.xml":
      body ??
      `<?xml version="1.0"?><w:document xmlns:w="${office}/wordprocessingml/2006/main"><w:body>${paragraphs.map((text) => `<w:p><w:r><w:t>${escaped(text)}</w:t></w:r></w:p>`).join("")}</w:body></w:document>`,
  });

/** A sheet of Excel: texts stand in a part of their own. */
export function xlsx(rows: readonly (readonly (string | number)[])[]): Bytes {
  const texts = rows.flat().filter((cell) => typeof cell === "string");
  const cell = (value: string | number) =>
    typeof value === "number" ? `<c><v>${value}</v></c>` : `<c t="s"><v>${texts.indexOf(value)}</v></c>`;
  return zip({
    "[Content_Types].xml": types("/xl/workbook.xml", "spreadsheetml.sheet"),
    "xl/workbook.xml": `<workbook xmlns="${office}/spreadsheetml/2006/main"/>`,
    "xl/sharedStrings.xml": `<sst xmlns="${office}/spreadsheetml/2006/main">${texts.map((text) => `<si><t>${escaped(text)}</t></si>`).join("")}</sst>`,
    "xl/worksheets/sheet1.xml": `<worksheet xmlns="${office}/spreadsheetml/2006/main"><sheetData>${rows.map((row) => `<row>${row.map(cell).join("")}</row>`).join("")}</sheetData></worksheet>`,
  });
}

/** Slides of PowerPoint. */
export const pptx = (slides: readonly string[]): Bytes =>
  zip({
    "[Content_Types].xml": types("/ppt/presentation.xml", "presentationml.presentation"),
    "ppt/presentation.xml": `<p:presentation xmlns:p="${office}/presentationml/2006/main"/>`,
    ...Object.fromEntries(
      slides.map((text, i) => [
        `ppt/slides/slide${i + 1}.xml`,
        `<p:sld xmlns:p="${office}/presentationml/2006/main" xmlns:a="${office}/drawingml/2006/main"><a:p><a:r><a:t>${escaped(text)}</a:t></a:r></a:p></p:sld>`,
      ]),
    ),
  });
