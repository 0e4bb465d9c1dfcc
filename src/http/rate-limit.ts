import { minute, second } from "../clock";
import { TooMany } from "../errors";
import type { Hit, Limiter } from "../integrations/limiter";
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
 * Counts a request, and shows in its answer what is left (IETF draft-ietf-httpapi-ratelimit-headers). At once where
 * the counters are in this process.
 * @throws TooMany when nothing is left
 */
export function countRequest(
  limiter: Limiter,
  set: ResponseSet,
  limit: RateLimit,
): Promise<void> | undefined {
  if (limit.quota === 0) return undefined;
  const hit = limiter.hit(limit.key, limit.quota, minute);
  if (hit instanceof Promise) return hit.then((told) => show(set, limit, told));
  show(set, limit, hit);
  return undefined;
}

function show(set: ResponseSet, { policy, quota, refusal }: RateLimit, hit: Hit): void {
  set.headers["ratelimit-policy"] = `"${policy}";q=${quota};w=${minute / second}`;
  set.headers["ratelimit"] = `"${policy}";r=${hit.remaining};t=${Math.ceil(hit.resetMs / second)}`;
  if (!hit.ok) throw new TooMany("rate_limited", refusal, hit.retryMs, policy);
}
