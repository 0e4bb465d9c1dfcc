import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { HttpKit } from "../kit";

/** The OpenAPI document over HTTP. */
export const documentRoutes = (kit: HttpKit, document: () => object) =>
  new Elysia({ prefix: "/swagger", tags: ["System"] }).use(kit).get("/json", () => document(), {
    permission: "public",
    returns: Type.Object({}, { title: "OpenApi", additionalProperties: true }),
    detail: { summary: "This document" },
  });
