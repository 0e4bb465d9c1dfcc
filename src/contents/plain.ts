import { decoded, encodingOf } from "../encoding";
import { beginning, type Contents } from "./contents";

/** A text, or its beginning, in the encoding that it most likely has. */
export const readPlain = (bytes: Uint8Array): Contents => ({
  ...{ metadata: {}, previews: [] },
  ...beginning(textOf(bytes)),
});

/** What a page says, without its tags and what runs in it. */
export async function readHtml(bytes: Uint8Array): Promise<Contents> {
  let [text, title] = ["", ""];
  let isHidden = false;
  const page = new HTMLRewriter()
    .on("script, style, template", {
      element(element) {
        isHidden = true;
        element.onEndTag(() => {
          isHidden = false;
        });
      },
    })
    .on("p, div, br, li, tr, h1, h2, h3, h4, td, th, title", {
      element() {
        text += "\n";
      },
    })
    .on("title", {
      text(chunk) {
        title += chunk.text;
      },
    })
    .onDocument({
      text(chunk) {
        if (!isHidden) text += chunk.text;
      },
    });
  await page.transform(new Response(textOf(bytes))).text();
  const plain = beginning(unescaped(title)).text;
  return {
    ...{ metadata: plain === null ? {} : { title: plain.slice(0, 1_000) }, previews: [] },
    ...beginning(unescaped(text)),
  };
}

const textOf = (bytes: Uint8Array) => decoded(bytes, encodingOf(bytes));

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " };

const unescaped = (text: string) =>
  text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(\w{2,6}));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return entities[String(name).toLowerCase()] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code > 0 && code <= 0x10_ff_ff ? String.fromCodePoint(code) : "";
  });
