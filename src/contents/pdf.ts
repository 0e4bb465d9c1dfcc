import { definePDFJSModule, getDocumentProxy, getMeta } from "unpdf";
// As a file: compiled ahead, it alone would make the executable 6 MB larger.
// @ts-expect-error -- the import gives its path, where its types speak of what it exports
// oxlint-disable-next-line import/default -- the same
import pdfjs from "../../node_modules/unpdf/dist/pdfjs.mjs" with { type: "file" };
import { beginning, facts, longestText, Unreadable, type Contents } from "./contents";

/** Pages, title, author and text of a PDF. @throws Unreadable when it is damaged or locked */
export async function readPdf(bytes: Uint8Array<ArrayBuffer>): Promise<Contents> {
  const pdf = await opened(bytes);
  try {
    const { info } = await getMeta(pdf).catch(() => ({ info: {} as Record<string, unknown> }));
    const {
      Title: title,
      Author: author,
      Subject: subject,
      Keywords: keywords,
    } = info as Record<string, unknown>;
    return {
      metadata: facts({ pages: pdf.numPages, title, author, subject, keywords }),
      ...beginning(await textOf(pdf)),
      previews: [],
    };
  } finally {
    await pdf.cleanup().catch(() => undefined);
  }
}

type Pdf = Awaited<ReturnType<typeof getDocumentProxy>>;

let isDefined: Promise<void> | undefined;

async function opened(bytes: Uint8Array<ArrayBuffer>): Promise<Pdf> {
  await (isDefined ??= definePDFJSModule(() => import(pdfjs)));
  try {
    return await getDocumentProxy(bytes, { disableFontFace: true, verbosity: 0 });
  } catch (error) {
    const isLocked = (error as Error).name === "PasswordException";
    throw new Unreadable(isLocked ? "It is locked with a password." : "It is a damaged PDF.", {
      cause: error,
    });
  }
}

/** Page by page, until there is enough. A page that cannot be read has no text. */
async function textOf(pdf: Pdf): Promise<string> {
  let text = "";
  for (let number = 1; number <= pdf.numPages && text.length <= longestText; number++) {
    text += `${await pageText(pdf, number).catch(() => "")}\n`;
  }
  return text;
}

async function pageText(pdf: Pdf, number: number): Promise<string> {
  const page = await pdf.getPage(number);
  const { items } = await page.getTextContent();
  page.cleanup();
  return items.map((item) => ("str" in item ? item.str + (item.hasEOL ? "\n" : " ") : "")).join("");
}
