import { monotonic } from "../clock";
import { RecentMap } from "../recent-map";

/** What a limiter says about one request. */
export interface Hit {
  ok: boolean;
  /** Requests that would still pass at this instant. `Infinity` when there is no limit. */
  remaining: number;
  /** Milliseconds until one request passes again; 0 when this one did. */
  retryMs: number;
  /** Milliseconds until the whole limit is there again. */
  resetMs: number;
}

/** Counts requests. Answers at once where the counters are in this process, later where they are shared. */
export interface Limiter {
  /**
   * Counts one request of `key` against `limit` requests in `windowMs`. A refused request costs the caller
   * nothing, so that impatience does not prolong the wait. A `limit` of 0 means none.
   */
  hit(key: string, limit: number, windowMs: number): Promise<Hit> | Hit;
}

/** What can be chosen for the limiter. */
export interface MemoryLimiterOptions {
  /** The most keys remembered; beyond that the ones idle for longest are forgotten. */
  maxKeys: number;
  /** Milliseconds; tests bring their own. */
  clock?: () => number;
}

/** A limiter of this process, which never makes its caller wait. */
export interface MemoryLimiter extends Limiter {
  hit(key: string, limit: number, windowMs: number): Hit;
  /** Keys in memory, for the metrics. */
  readonly size: number;
}

const unlimited: Hit = Object.freeze({ ok: true, remaining: Infinity, retryMs: 0, resetMs: 0 });

/**
 * The generic cell rate algorithm (ITU-T I.371, annex A; in its virtual-scheduling form): each key has one
 * number, the theoretical arrival time at which all it has used is paid back. At most `limit` requests pass
 * at one instant, and at most `limit * (1 + t / windowMs)` in any span of `t` ms; a fixed window lets twice
 * the limit through at its edge.
 */
export function memoryLimiter({ maxKeys, clock = monotonic }: MemoryLimiterOptions): MemoryLimiter {
  const arrivals = new RecentMap<number>(maxKeys);
  return {
    hit(key, limit, windowMs) {
      if (limit <= 0) return unlimited;
      const time = clock();
      const used = usedMs(arrivals.get(key), time, windowMs);
      const interval = windowMs / limit;
      const after = used + interval;
      // Absorbs what adding up fractions loses, and is less than one request.
      const tolerance = Math.min(0.1, interval / 2);
      if (after > windowMs + tolerance) return refused(used, after - windowMs);
      arrivals.set(key, time + after);
      const remaining = Math.floor((windowMs - after + tolerance) / interval);
      return { ok: true, remaining, retryMs: 0, resetMs: Math.ceil(after) };
    },
    get size() {
      return arrivals.size;
    },
  };
}

/** How much of the window is used up. Never more than all of it, whatever the clock does. */
function usedMs(arrival: number | undefined, time: number, windowMs: number) {
  return arrival === undefined ? 0 : Math.min(Math.max(arrival - time, 0), windowMs);
}

function refused(used: number, wait: number): Hit {
  return { ok: false, remaining: 0, retryMs: Math.max(1, Math.ceil(wait)), resetMs: Math.ceil(used) };
}

/**
 * The key under which an address is limited. One subscriber holds a whole IPv6 /64 (RFC 6177, RFC 7934), so
 * it counts as one; otherwise a single machine would have 2^64 fresh limits.
 * @param address as `clientAddress` writes it
 */
export function limitKey(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const left = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const right = tail === "" ? [] : tail.split(":");
    while (left.length + right.length < 8) left.push("0");
    left.push(...right);
  }
  return `${left.slice(0, 4).join(":")}::/64`;
}
