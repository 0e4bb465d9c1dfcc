/** What is asked of the bytes of a file. */
export interface ReadTask {
  /** Their media type, by the bytes. */
  type: string;
  bytes: Uint8Array<ArrayBuffer>;
  /** Of an image, its middle as a square is all that is wanted: that is the only preview. */
  isSquare?: true;
}

/** What they tell. */
export interface Contents {
  /** Such as width, height, pages, title and author: only what is there. */
  metadata: Record<string, string | number | string[]>;
  /** The beginning of the text in them; null where there is none. */
  text: string | null;
  /** More text stands in them. */
  isCut: boolean;
  /** Small pictures of an image. */
  previews: Preview[];
}

/** A picture of an image, upright and without what its camera wrote into it; WebP. */
export interface Preview {
  size: PreviewSize;
  width: number;
  height: number;
  bytes: Uint8Array<ArrayBuffer>;
}

/** The sizes of previews, by the most that their longer side has. */
export const previewSizes = { small: 160, medium: 480, large: 1280 } as const;
/** One of them. */
export type PreviewSize = keyof typeof previewSizes;

/** So much of a text is kept and searched. */
export const longestText = 50_000;
/** So many bytes of a plain text are read for it. */
export const mostPlain = 4 * longestText;
/** Whatever is larger is not read: it would have to be held as a whole. */
export const mostBytes = 64 * 1024 * 1024;

/** Why bytes cannot be read, for whoever may see the file. Trying again is in vain. */
export class Unreadable extends Error {
  override name = "Unreadable";
}

/** How a type is read. */
export type Reading = "image" | "pdf" | "word" | "sheet" | "slides" | "html" | "plain";

const office = "application/vnd.openxmlformats-officedocument.";
const readings: Record<string, Reading> = {
  "image/jpeg": "image",
  "image/png": "image",
  "image/webp": "image",
  "image/gif": "image",
  "image/bmp": "image",
  "application/pdf": "pdf",
  [`${office}wordprocessingml.document`]: "word",
  [`${office}spreadsheetml.sheet`]: "sheet",
  [`${office}presentationml.presentation`]: "slides",
  "text/html": "html",
  "text/plain": "plain",
  "application/xml": "plain",
};

/** How files of a media type are read; `undefined` for those that tell nothing. SVG is among them: it is a program. */
export const readingOf = (type: string): Reading | undefined => readings[type];

/** The beginning of a text, tidied: no blanks but one between words, no line that is empty. */
export function beginning(text: string): Pick<Contents, "text" | "isCut"> {
  const tidy = text
    .toWellFormed()
    // oxlint-disable-next-line no-control-regex -- neither a database nor a screen wants these
    .replace(/[\0-\x08\x0e-\x1f\x7f-\x9f]/g, "")
    .replace(/[^\S\n]+/g, " ")
    .replace(/ ?\n\s*/g, "\n")
    .trim();
  const isCut = tidy.length > longestText;
  const kept = isCut ? tidy.slice(0, longestText).toWellFormed() : tidy;
  return { text: kept === "" ? null : kept, isCut };
}

const longestFact = 1_000;

/** Facts without those that are missing or empty, none of them long. */
export function facts(given: Record<string, unknown>): Contents["metadata"] {
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, value]): [string, string | number | string[]][] => {
      if (typeof value === "number" && Number.isFinite(value)) return [[name, value]];
      if (value instanceof Date && !Number.isNaN(value.getTime())) return [[name, value.toISOString()]];
      if (Array.isArray(value) && value.length > 0)
        return [[name, value.slice(0, 100).map((each) => oneLine(String(each)))]];
      if (typeof value !== "string") return [];
      const text = oneLine(value);
      return text === "" ? [] : [[name, text]];
    }),
  );
}

const oneLine = (text: string) => (beginning(text.slice(0, longestFact)).text ?? "").replaceAll("\n", " ");
