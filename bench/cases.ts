import { adminPassword } from "../tests/drills/api";

/** A kind of request that every contender answers. */
export interface Case {
  name: string;
  method: "GET" | "POST" | "PATCH";
  /** In it and in the body, `:id`, `:user` and `:n` are replaced (see `requests.lua`). */
  path: string;
  body?: string;
  /** Connections at once, where it is not what the run was told. */
  connections?: number;
  /** What is wanted. */
  wanted: {
    /** Requests a second, as a part of the floor's and as a multiple of Fastify's. */
    ofFloor?: number;
    timesFastify?: number;
    /** The 99th percentile, in milliseconds. */
    p99?: number;
  };
}

const p99 = 25;

/** @param deepCursor where a page starts in the middle of the list, as any list of neocrm gave it */
export const casesOf = (deepCursor: string): Case[] => [
  {
    ...{ name: "get by id", method: "GET", path: "/api/clients/:id" },
    wanted: { ofFloor: 0.45, timesFastify: 2, p99 },
  },
  {
    ...{ name: "list of 20", method: "GET", path: "/api/clients?count=none" },
    wanted: { ofFloor: 0.6, timesFastify: 2, p99 },
  },
  {
    ...{ name: "filtered list", method: "GET", path: "/api/clients?count=none&status=active" },
    wanted: { p99 },
  },
  {
    ...{ name: "deep cursor", method: "GET", path: `/api/clients?count=none&cursor=${deepCursor}` },
    wanted: { p99 },
  },
  {
    ...{ name: "create", method: "POST", path: "/api/clients" },
    body: JSON.stringify({
      ...{ name: "Client :n", email: "client-:n@bench.example", phone: "+47 22 44 22 22" },
      ...{ company: "Köhler & Söhne", status: "active", tags: ["vip"], notes: "Met at the fair in Oslo." },
    }),
    wanted: { ofFloor: 0.3, timesFastify: 2, p99 },
  },
  {
    ...{ name: "update", method: "PATCH", path: "/api/clients/:id" },
    body: JSON.stringify({ notes: "Called at :n." }),
    wanted: { p99 },
  },
  // One hash takes a core for 20 ms: the time of a hundred at once says only that they wait.
  { ...login(), name: "login", connections: 4, wanted: {} },
];

/** Signing in as one of the seeded users. */
export function login(): Pick<Case, "method" | "path" | "body"> {
  const body = JSON.stringify({ email: "user:user@bench.example", password: adminPassword });
  return { method: "POST", path: "/api/auth/login", body };
}
