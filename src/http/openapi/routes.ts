import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { NotFound } from "../../errors";
import type { HttpKit } from "../kit";
import { isUnchanged } from "../preconditions";
import { buildPage } from "./page/assets";

const root = "/swagger/assets";

/** The page loads nothing from elsewhere and runs nothing but its own files; `data:` are the icons in its style. */
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

/**
 * The OpenAPI document over HTTP, and a page to read it and try it out.
 * @param document its text, made when it is first asked for
 */
export function documentRoutes(kit: HttpKit, document: () => string) {
  let built: ReturnType<typeof buildPage> | undefined;
  const page = () => (built ??= buildPage(root));
  let etag: string | undefined;
  return new Elysia({ prefix: "/swagger", tags: ["System"] })
    .use(kit)
    .get(
      "",
      async ({ set }) => {
        set.headers["content-type"] = "text/html; charset=utf-8";
        set.headers["content-security-policy"] = pagePolicy;
        set.headers["cache-control"] = "no-cache";
        return (await page()).html;
      },
      {
        permission: "public",
        returns: Type.String({ title: "Page", contentMediaType: "text/html" }),
        detail: { summary: "This document as a page, on which every endpoint can be tried" },
      },
    )
    .get(
      "/json",
      ({ request, set }) => {
        const text = document();
        etag ??= `"${Bun.hash(text).toString(36)}"`;
        set.headers["etag"] = etag;
        set.headers["cache-control"] = "no-cache";
        set.headers["content-type"] = "application/json";
        if (!isUnchanged(request.headers.get("if-none-match"), etag)) return text;
        set.status = 304;
        return "";
      },
      {
        permission: "public",
        returns: Type.Object({}, { title: "OpenApi", additionalProperties: true }),
        problems: ["invalid_etag"],
        detail: {
          summary: "This document",
          responses: { 304: { description: "You have the present document." } },
        },
      },
    )
    .get(
      "/assets/:name",
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
