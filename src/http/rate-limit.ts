import { minute, second } from "../clock";
import { TooMany } from "../errors";
import type { Limiter } from "../integrations/limiter";
import type { ResponseSet } from "./answer";

/** One limit that a request counts against. */
export interface RateLimit {
  /** Its name in the headers. */
  policy: string;
  /** Requests a minute; 0 for no limit. */
  quota: number;
  /** Who or what is counted. */
  key: string;
  /** What whoever went beyond it is told. */
  refusal: string;
}

/**
 * Counts a request, and shows in its answer what is left (IETF draft-ietf-httpapi-ratelimit-headers).
 * @throws TooMany when nothing is left
 */
export async function countRequest(
  limiter: Limiter,
  set: ResponseSet,
  { policy, quota, key, refusal }: RateLimit,
): Promise<void> {
  if (quota === 0) return;
  const hit = await limiter.hit(key, quota, minute);
  set.headers["ratelimit-policy"] = `"${policy}";q=${quota};w=${minute / second}`;
  set.headers["ratelimit"] = `"${policy}";r=${hit.remaining};t=${Math.ceil(hit.resetMs / second)}`;
  if (!hit.ok) throw new TooMany("rate_limited", refusal, hit.retryMs, policy);
}
