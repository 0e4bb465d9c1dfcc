import { readingOf, Unreadable, type Contents, type ReadTask } from "./contents";

/** Reads bytes. It runs in the worker; apart from it, so that it can be tested. @throws Unreadable */
export async function readContents({ type, bytes, isSquare }: ReadTask): Promise<Contents> {
  const reading = readingOf(type);
  if (isSquare) {
    if (reading !== "image") throw new Unreadable("It is no image that can be read.");
    const square = await (await import("./square")).squareOf(bytes);
    return { metadata: {}, text: null, isCut: false, previews: [square] };
  }
  switch (reading) {
    case "image":
      return (await import("./image")).readImage(bytes);
    case "pdf":
      return (await import("./pdf")).readPdf(bytes);
    case "word":
    case "sheet":
    case "slides":
      return (await import("./office")).readOffice(bytes, reading);
    case "html":
      return (await import("./plain")).readHtml(bytes);
    case "plain":
      return (await import("./plain")).readPlain(bytes);
    case undefined:
      throw new Unreadable("Files of this kind are not read.");
  }
}
