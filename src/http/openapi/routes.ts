import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { pageRoutes } from "../../web/page";
import { swaggerPage } from "../../web/swagger/page";
import type { HttpKit } from "../kit";
import { isUnchanged } from "../preconditions";

/**
 * The OpenAPI document over HTTP, and a page to read it and try it out.
 * @param document its text, made when it is first asked for
 */
export function documentRoutes(kit: HttpKit, document: () => Promise<string>) {
  let etag: string | undefined;
  return new Elysia({ tags: ["System"] })
    .use(kit)
    .use(
      pageRoutes(kit, {
        path: "/swagger",
        summary: "This document as a page, on which every endpoint can be tried",
        source: swaggerPage,
      }),
    )
    .get(
      "/swagger/json",
      async ({ request, set }) => {
        const text = await document();
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
    );
}
