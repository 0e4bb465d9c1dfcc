/** The page's files, as they lie in the executable. */
import bundle from "swagger-ui-dist/swagger-ui-bundle.js" with { type: "file" };
import favicon from "swagger-ui-dist/favicon-32x32.png" with { type: "file" };
import look from "swagger-ui-dist/swagger-ui.css" with { type: "file" };
import page from "./page.html" with { type: "text" };
import start from "./start.js" with { type: "file" };
import style from "./style.css" with { type: "file" };

/** A file of the page, read from the executable while it is sent. */
export interface Asset {
  file: Bun.BunFile;
  contentType: string;
}

/** The page and what it loads. */
export interface Page {
  html: string;
  /** By the name in their URL, which changes with their content. */
  assets: ReadonlyMap<string, Asset>;
}

const files: Record<string, [path: string, contentType: string]> = {
  "favicon.png": [favicon, "image/png"],
  "start.js": [start, "text/javascript; charset=utf-8"],
  "style.css": [style, "text/css; charset=utf-8"],
  "swagger-ui-bundle.js": [bundle, "text/javascript; charset=utf-8"],
  "swagger-ui.css": [look, "text/css; charset=utf-8"],
};

/** Names every file by its content, so that browsers may keep it for good. @param root the path of the files */
export async function buildPage(root: string): Promise<Page> {
  const assets = new Map<string, Asset>();
  let html: string = page as unknown as string;
  for (const [name, [path, contentType]] of Object.entries(files)) {
    const file = Bun.file(path);
    const named = name.replace(".", `.${Bun.hash(await file.bytes()).toString(36)}.`);
    assets.set(named, { file, contentType });
    html = html.replaceAll(`{{${name}}}`, `${root}/${named}`);
  }
  return { html, assets };
}
