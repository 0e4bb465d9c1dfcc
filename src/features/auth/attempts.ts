import type { ResponseSet } from "../../http/answer";
import { callOf } from "../../http/call";
import { countRequest } from "../../http/rate-limit";
import { limitKey, type Limiter } from "../../integrations/limiter";
import type { Actor } from "../../policy";
import type { Origin } from "./sessions";

/** How often somebody may try: attempts a minute for a pair of address and account, or for a session. */
export interface AttemptLimits {
  limiter: Limiter;
  perMinute: () => number;
}

/** Nobody yet: whoever registers or signs in becomes the actor of what follows. */
export const newcomer = (request: Request): Actor => ({
  kind: "user",
  userId: null,
  sessionId: null,
  grants: {},
  timeZone: "UTC",
  requestId: callOf(request).id,
});

/** Where a request comes from. */
export const originOf = (request: Request): Origin => ({
  address: callOf(request).address,
  userAgent: request.headers.get("user-agent"),
});

/**
 * Counts for the pair of address and account: whoever tries from elsewhere locks nobody out.
 * @throws TooMany
 */
export const countAttempt = (limits: AttemptLimits, request: Request, set: ResponseSet, account: string) =>
  count(limits, set, `auth ${limitKey(callOf(request).address)} ${account}`);

/** Counts for whatever `key` names. @throws TooMany */
export const count = async (
  { limiter, perMinute }: AttemptLimits,
  set: ResponseSet,
  key: string,
): Promise<void> =>
  countRequest(limiter, set, {
    policy: "auth",
    quota: perMinute(),
    key,
    refusal: "Too many attempts. Wait a little.",
  });
