/**
 * The load of `bench/traffic.ts` for k6, which runs TypeScript as it is (from 0.57 on). Each profile has a script of its own beside
 * this file:
 *
 *   k6 run -e URL=http://127.0.0.1:3000 -e EMAIL=ada@example.com -e PASSWORD='…' bench/k6/day.ts
 *
 * RATE is operations a second (1500), SECONDS how long, CLIENTS how many clients the server has. Operations begin when they are due (an open loop). The server has to have
 * records, and limits that one user does not reach (RATE_LIMIT_USER=0).
 */
import { check, fail } from "k6";
import exec from "k6/execution";
import http from "k6/http";
import type { Options, Scenario } from "k6/options";
import { WebSocket } from "k6/websockets";
import { Trend } from "k6/metrics";
import {
  callOf,
  kindOf,
  mix,
  profiles,
  type Call,
  type Kind,
  type Profile,
  type Records,
} from "../traffic.ts";

// oxlint-disable-next-line no-underscore-dangle -- k6 names it so
declare const __ENV: Record<string, string | undefined>;

const url = __ENV["URL"] ?? "http://127.0.0.1:3000";
const rate = Number(__ENV["RATE"] ?? 1500);
const seconds = __ENV["SECONDS"] === undefined ? undefined : Number(__ENV["SECONDS"]);

/** What a run begins with: who asks, and what there is. */
export interface Prepared extends Records {
  token: string;
}

/** The share of what goes over HTTP; WebSockets have a scenario of their own. */
const overHttp = 1 - mix.realtime;

/** Milliseconds from a frame to its answer. */
const answered = new Trend("websocket_answer", true);

/** Milliseconds that answers may take. What goes far beyond the rate has only to be answered. */
const within: Partial<Record<Profile, string[]>> = { day: ["p(99)<50"], soak: ["p(95)<100", "p(99)<500"] };

/** The options of a profile. */
export function optionsOf(profile: Profile): Options {
  const latency = within[profile];
  const stages = profiles[profile](rate, seconds);
  const whole = stages.reduce((sum, stage) => sum + stage.seconds, 0);
  const requests: Scenario = {
    ...{ executor: "ramping-arrival-rate", exec: "request", timeUnit: "1s", startRate: 0 },
    ...{ preAllocatedVUs: 100, maxVUs: 2000 },
    stages: stages.map((stage) => ({
      target: Math.round(stage.rate * overHttp),
      duration: `${stage.seconds}s`,
    })),
  };
  const listeners: Scenario = {
    ...{ executor: "constant-vus", exec: "listen", vus: 20, duration: `${whole}s` },
  };
  return {
    scenarios: { requests, listeners },
    summaryTrendStats: ["avg", "min", "med", "p(95)", "p(99)", "p(99.9)", "max"],
    thresholds: {
      http_req_failed: ["rate==0"],
      checks: ["rate==1"],
      dropped_iterations: ["count==0"],
      ...(latency && { http_req_duration: latency, websocket_answer: latency }),
    },
  };
}

/** Signs in, and reads the ids of a few thousand records. */
export function prepare(): Prepared {
  const { EMAIL: email, PASSWORD: password } = __ENV;
  if (!email || !password) return fail("Say with EMAIL and PASSWORD who asks.");
  const headers = { "content-type": "application/json" };
  const signedIn = http.post(`${url}/api/auth/login`, JSON.stringify({ email, password }), { headers });
  if (signedIn.status !== 200) return fail(`Signing in: ${signedIn.status} ${signedIn.body as string}`);
  const token = signedIn.json("access_token") as string;
  const clients = idsOf("clients", token);
  return { token, clients, tasks: idsOf("tasks", token), count: Number(__ENV["CLIENTS"] ?? clients.length) };
}

function idsOf(what: string, token: string): string[] {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const next: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page = http.get(`${url}/api/${what}?limit=200&count=none${next}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const { data, pagination } = page.json() as unknown as {
      data: { id: string }[];
      pagination: { next_cursor: string | null };
    };
    ids.push(...data.map(({ id }) => id));
    cursor = pagination.next_cursor;
  } while (cursor !== null && ids.length < 5_000);
  return ids.length > 0
    ? ids
    : fail(`There are no ${what}: fill the server first, as with neocrm seed --demo.`);
}

/** One operation over HTTP. */
export function request({ token, ...records }: Prepared): void {
  const number = exec.scenario.iterationInTest;
  const kind = overHttpKind(Math.random() * overHttp);
  const { method, path, body } = callOf(kind, number, records, Math.random);
  const answer = http.request(method, url + path, body ?? null, {
    headers: { authorization: `Bearer ${token}`, ...(body && { "content-type": "application/json" }) },
    // One name for each route: as a label, every path would be a series of its own.
    tags: { name: `${method} ${path.replace(/[?].*|[0-9a-f-]{36}/g, "…")}`, kind },
  });
  check(answer, { "is a success": ({ status }) => status >= 200 && status < 300 });
}

/** The shares of HTTP stand before that of WebSockets. */
function overHttpKind(share: number): Call["kind"] {
  const kind: Kind = kindOf(share);
  return kind === "realtime" ? "read" : kind;
}

/** Somebody who has the CRM open: watches one client after the other, and comes back after a minute. */
export function listen({ token, clients }: Prepared): void {
  const socket = new WebSocket(`${url.replace(/^http/, "ws")}/ws`, null, {
    headers: { authorization: `Bearer ${token}` },
  });
  const everyMs = (1_000 * 20) / (rate * mix.realtime);
  let [number, sentAt] = [0, 0];
  const send = () => {
    sentAt = Date.now();
    const type = number % 2 === 0 ? "subscribe" : "unsubscribe";
    const topics = [`clients/${clients[(number++ >> 1) % clients.length]}`];
    socket.send(JSON.stringify({ type, payload: { topics } }));
  };
  socket.addEventListener("message", (event) => {
    if (!("data" in event)) return;
    const { type } = JSON.parse(event.data as string) as { type: string };
    if (type === "subscribed" || type === "unsubscribed") answered.add(Date.now() - sentAt);
    if (type === "ready" || type === "subscribed" || type === "unsubscribed") setTimeout(send, everyMs);
  });
  socket.addEventListener("error", () => check(null, { "the socket works": () => false }));
  setTimeout(() => socket.close(), 60_000);
}
