import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { NotFound } from "../errors";
import type { HttpKit } from "../http/kit";

/** A file of a page, read from the executable while it is sent. */
interface Asset {
  file: Bun.BunFile;
  contentType: string;
}

/** A page as it lies in the executable. */
export interface PageSource {
  /** Names its files as `{{name}}`. */
  html: string;
  /** By the name that the page has for them. */
  files: Readonly<Record<string, [path: string, contentType: string]>>;
}

/** Where a page is, and what it is. */
export interface PageOptions {
  /** Its path, such as `/swagger`; its files are under `<path>/assets/`. */
  path: string;
  summary: string;
  source: PageSource;
}

/** A page loads nothing from elsewhere and runs nothing but its own files; `data:` are the icons in its style. */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** A page that anybody may load, and its files: what it shows, it asks the API for. */
export function pageRoutes(kit: HttpKit, { path, summary, source }: PageOptions) {
  let built: ReturnType<typeof build> | undefined;
  const page = () => (built ??= build(`${path}/assets`, source));
  return new Elysia({ tags: ["System"] })
    .use(kit)
    .get(
      path,
      async ({ set }) => {
        set.headers["content-type"] = "text/html; charset=utf-8";
        set.headers["content-security-policy"] = pagePolicy;
        set.headers["cache-control"] = "no-cache";
        return (await page()).html;
      },
      {
        permission: "public",
        returns: Type.String({ title: "Page", contentMediaType: "text/html" }),
        detail: { summary },
      },
    )
    .get(
      `${path}/assets/:name`,
      async ({ params, set }) => {
        const asset = (await page()).assets.get(params.name);
        if (!asset) throw new NotFound("file");
        set.headers["content-type"] = asset.contentType;
        set.headers["cache-control"] = "public, max-age=31536000, immutable";
        return asset.file;
      },
      { permission: "public", detail: { hide: true } },
    );
}

/** Names every file by its content, so that browsers may keep it for good. @param root the path of the files */
async function build(root: string, { html, files }: PageSource) {
  const assets = new Map<string, Asset>();
  let named = html;
  for (const [name, [path, contentType]] of Object.entries(files)) {
    const file = Bun.file(path);
    const unique = name.replace(".", `.${Bun.hash(await file.bytes()).toString(36)}.`);
    assets.set(unique, { file, contentType });
    named = named.replaceAll(`{{${name}}}`, `${root}/${unique}`);
  }
  return { html: named, assets };
}
