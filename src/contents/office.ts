import { unzipSync } from "fflate";
import { SaxesParser } from "saxes";
import { beginning, facts, longestText, Unreadable, type Contents, type Reading } from "./contents";

/** Bytes of the parts of a document once they are inflated: of one, and of all that are read. */
const [mostOfPart, mostOfAll] = [32e6, 64e6];

type Parts = Record<string, Uint8Array>;
type Office = Extract<Reading, "word" | "sheet" | "slides">;

/** What is read of each kind of document, in this order, and what its parts of that name are called. */
const kinds: Record<Office, { parts: RegExp; count?: string; read(parts: Parts): string }> = {
  word: {
    parts: /^word\/(document|header\d*|footer\d*|footnotes|endnotes|comments)\.xml$/,
    read: (parts) => textIn(parts, /document|header|footer|footnotes|endnotes|comments/),
  },
  sheet: { parts: /^xl\/(sharedStrings|worksheets\/sheet\d+)\.xml$/, count: "sheets", read: cellsIn },
  slides: {
    parts: /^ppt\/(slides|notesSlides)\/(slide|notesSlide)\d+\.xml$/,
    count: "slides",
    read: (parts) => textIn(parts, /slides\/|notesSlides\//),
  },
};

/** Title, author and text of a document of Word, Excel or PowerPoint. @throws Unreadable when it is damaged, or a bomb */
export function readOffice(bytes: Uint8Array, kind: Office): Contents {
  const { parts: wanted, count, read } = kinds[kind];
  const parts = unpacked(bytes, (name) => wanted.test(name) || properties.test(name));
  try {
    const counted = Object.keys(parts).filter((name) => /\/(sheet|slide)\d+\.xml$/.test(name)).length;
    return {
      metadata: { ...propertiesIn(parts), ...(count && { [count]: counted }) },
      ...beginning(read(parts)),
      previews: [],
    };
  } catch (error) {
    throw new Unreadable("It is a damaged document.", { cause: error });
  }
}

/** Only what is wanted is inflated, and never more than it says: a part that lies is cut off there. */
function unpacked(bytes: Uint8Array, isWanted: (name: string) => boolean): Parts {
  let all = 0;
  try {
    return unzipSync(bytes, {
      filter: ({ name, originalSize }) => {
        if (!isWanted(name)) return false;
        all += originalSize;
        if (originalSize > mostOfPart || all > mostOfAll)
          throw new Unreadable("It is too large once it is unpacked.");
        return true;
      },
    });
  } catch (error) {
    throw error instanceof Unreadable ? error : new Unreadable("It is a damaged document.", { cause: error });
  }
}

const properties = /^docProps\/(core|app)\.xml$/;
const names: Record<string, string> = {
  "dc:title": "title",
  "dc:creator": "author",
  "dc:subject": "subject",
  "cp:keywords": "keywords",
  Pages: "pages",
};

function propertiesIn(parts: Parts): Contents["metadata"] {
  const found: Record<string, unknown> = {};
  for (const part of ["docProps/core.xml", "docProps/app.xml"]) {
    let name: string | undefined;
    walk(parts[part], {
      open: (tag) => (name = names[tag]),
      close: () => (name = undefined),
      text: (text) => {
        if (name !== undefined) found[name] = `${(found[name] as string | undefined) ?? ""}${text}`;
      },
    });
  }
  const pages = Number(found["pages"]);
  return facts({ ...found, pages: pages > 0 ? pages : undefined });
}

/** The text of parts, in the order of their names, until there is enough. */
function textIn(parts: Parts, wanted: RegExp): string {
  let text = "";
  for (const name of sorted(parts, wanted)) {
    let isText = false;
    walk(parts[name], {
      open: (tag) => {
        isText = tag === "w:t" || tag === "a:t";
        if (tag === "w:tab" || tag === "w:br" || tag === "a:br") text += " ";
      },
      close: (tag) => {
        isText = false;
        if (tag === "w:p" || tag === "a:p") text += "\n";
      },
      text: (part) => {
        if (isText) text += part;
        return text.length <= longestText;
      },
    });
  }
  return text;
}

/** The cells of all sheets, a row a line; texts stand once, in a part of their own. */
function cellsIn(parts: Parts): string {
  const shared = sharedTexts(parts["xl/sharedStrings.xml"]);
  let text = "";
  for (const name of sorted(parts, /worksheets\//)) {
    let [kind, isValue] = ["", false];
    let value = "";
    walk(parts[name], {
      open: (tag, attributes) => {
        if (tag === "c") [kind, value] = [attributes["t"] ?? "", ""];
        isValue = tag === "v" || tag === "t";
      },
      close: (tag) => {
        isValue = false;
        if (tag === "c" && value !== "") text += `${kind === "s" ? (shared[Number(value)] ?? "") : value} `;
        if (tag === "row") text += "\n";
      },
      text: (part) => {
        if (isValue) value += part;
        return text.length <= longestText;
      },
    });
  }
  return text;
}

function sharedTexts(part: Uint8Array | undefined): string[] {
  const texts: string[] = [];
  let isText = false;
  walk(part, {
    open: (tag) => {
      if (tag === "si") texts.push("");
      isText = tag === "t";
    },
    close: () => (isText = false),
    text: (text) => {
      if (isText && texts.length > 0) texts[texts.length - 1] += text;
    },
  });
  return texts;
}

/** `slide2` comes before `slide10`. */
const sorted = (parts: Parts, wanted: RegExp) =>
  Object.keys(parts)
    .filter((name) => wanted.test(name) && !properties.test(name))
    .toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }));

/** What is done with a part; a text that gives `false` is the last one. */
interface Visitor {
  open(tag: string, attributes: Record<string, string>): unknown;
  close(tag: string): unknown;
  text(text: string): unknown;
}

/** There was enough. */
class Enough extends Error {}

/** Letters that are parsed at once. */
const stride = 64 * 1024;

/** Walks through XML. No entity is resolved but XML's own five, so nothing in it grows and nothing is fetched. */
function walk(part: Uint8Array | undefined, visitor: Visitor): void {
  if (!part) return;
  const parser = new SaxesParser({ xmlns: false });
  parser.on(
    "opentag",
    ({ name, attributes }) => void visitor.open(name, attributes as Record<string, string>),
  );
  parser.on("closetag", ({ name }) => void visitor.close(name));
  parser.on("text", (text) => {
    if (visitor.text(text) === false) throw new Enough();
  });
  parser.on("error", (error) => {
    throw error;
  });
  try {
    const decoder = new TextDecoder();
    for (let at = 0; at < part.length; at += stride) {
      parser.write(decoder.decode(part.subarray(at, at + stride), { stream: true }));
    }
    parser.close();
  } catch (error) {
    if (!(error instanceof Enough)) throw error;
  }
}
