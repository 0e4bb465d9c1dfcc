import { createHash, timingSafeEqual } from "node:crypto";
import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { Metrics } from "../ops/metrics";
import type { Identity } from "../policy";
import type { HttpKit } from "./kit";

/** Where Prometheus looks. */
export const metricsPath = "/metrics";
const permission = "monitoring.read";

/** Who the bearer of this token is, if it is the metrics token. It opens `metricsPath` and nothing else. */
export type Scraper = (token: string) => Identity | undefined;

/** Knows the bearer of `secret`, without its time telling how much of a guess was right; `null` knows nobody. */
export function scraper(secret: () => string | null): Scraper {
  const identity: Identity = {
    ...{ kind: "system", userId: null, sessionId: null, timeZone: "UTC" },
    grants: { [permission]: "all" },
  };
  return (token) => {
    const wanted = secret();
    return wanted !== null && timingSafeEqual(digest(token), digest(wanted)) ? identity : undefined;
  };
}

/** Digests have one length, so that not even the length of the secret shows. */
const digest = (text: string) => createHash("sha256").update(text).digest();

/** The figures of the server, for Prometheus and admins. */
export const metricsRoutes = (kit: HttpKit, metrics: Metrics) =>
  new Elysia({ tags: ["System"] }).use(kit).get(
    metricsPath,
    async ({ set }) => {
      set.headers["content-type"] = metrics.contentType;
      return metrics.text();
    },
    {
      permission,
      returns: Type.String({ title: "Metrics", contentMediaType: "text/plain" }),
      detail: { summary: "The server's figures in Prometheus' text format" },
    },
  );
