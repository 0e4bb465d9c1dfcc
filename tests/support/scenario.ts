import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { misfit, noProblem } from "./answers";
import type { Name, People } from "./people";
import { recordsOf } from "./records";
import { engines, type TestServer } from "./servers";
import { takeTurn } from "./shared";

/** Who asks: somebody of the cast, nobody, or a bearer of this text, in which `$name` stands for what it names. */
export type By = Name | "nobody" | { token: string };

/** One request and what has to come of it. `$name` in a path, body or expectation stands for that record's id. */
export interface Scenario {
  /** What it shows, where the request does not say it. */
  name?: string;
  by: By;
  get?: string;
  post?: string;
  patch?: string;
  put?: string;
  delete?: string;
  head?: string;
  options?: string;
  body?: unknown;
  /** A body that is not JSON, as it is sent. */
  raw?: string | Uint8Array<ArrayBuffer>;
  ifMatch?: string;
  /** An `Idempotency-Key`. */
  key?: string;
  headers?: Record<string, string>;
  /** Done before, as part of this scenario. */
  after?: (world: World) => Promise<unknown>;
  status: number;
  /** The body has at least this. */
  has?: unknown;
  /** The answer has these headers; a pattern has to match, `null` means that it is absent. */
  hasHeaders?: Record<string, string | RegExp | null>;
  /** The body, as text, has none of these. */
  never?: (string | RegExp)[];
  /** The problem's code, and one of its field errors. */
  problem?: { code?: string; field?: string; fieldCode?: string } & Record<string, unknown>;
  /** The types of the events that it left, in order. */
  events?: string[];
  /** Looked at afterwards. */
  then?: (world: World, answer: Answer) => unknown;
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** Whatever came: each test says what it has to be. */
  // oxlint-disable-next-line typescript/no-explicit-any -- the expectations are its type
  json: any;
}

/** What a scenario runs in. */
export interface World {
  server: TestServer;
  people: People;
  /** Ids of the records given, by name. */
  ids: Record<string, string>;
  /** Sends a request as somebody. */
  send(by: By, method: string, path: string, options?: SendOptions): Promise<Answer>;
  /** The events recorded since the scenario began. */
  events(): Promise<EventRow[]>;
}

export interface SendOptions {
  body?: unknown;
  raw?: string | Uint8Array<ArrayBuffer>;
  headers?: Record<string, string>;
}

export type EventRow = Omit<TestServer["parts"]["store"]["read"]["t"]["events"]["$inferSelect"], "seq">;

/** A record there is before each scenario: `by` adds it (default: lan), `deleted` hides it again. */
export type Given = { by?: Name; deleted?: boolean } & Record<string, unknown>;

export interface Setting {
  /** Settings by environment variable. Blocks of a file that have the same ones share a server. */
  env?: Record<string, string>;
  /** On a server of its own: for what depends on what a server keeps in memory. */
  isAlone?: boolean;
  /** Clients there are before each scenario, by name. */
  clients?: Record<string, Given>;
  /** Tasks there are, by title; they may name the clients. */
  tasks?: Record<string, Given>;
  /** Completes these records. They are made once, and then put back as they were. */
  once?: (world: World) => Promise<unknown>;
  /** Whatever else is needed before each scenario. */
  given?: (world: World) => Promise<unknown>;
}

/** A table of scenarios, each on fresh records, on both engines. */
export function scenarios(title: string, setting: Setting, table: Scenario[]): void {
  inWorld(title, setting, (world) => {
    for (const scenario of table) test(titleOf(scenario), () => play(scenario, world()));
  });
}

/** Tests that need more than a table, in the same world. */
export function inWorld(title: string, setting: Setting, tests: (world: () => World) => void): void {
  setDefaultTimeout(patience);
  for (const engine of engines) {
    const turn = takeTurn(engine, setting.env, setting.isAlone);
    describe(`${title} [${engine}]`, () => {
      let world: World;
      beforeAll(async () => {
        const { server, people } = await turn.enter();
        world = newWorld(server, people);
        freshRecords = recordsOf(world, setting);
      }, patience);
      afterAll(() => turn.leave());
      let freshRecords: () => Promise<void>;
      beforeEach(() => freshRecords());
      tests(() => world);
    });
  }
}

/** Milliseconds: a busy machine takes its time. What hangs still ends. */
const patience = 60_000;

/** Plays one scenario and checks everything that it says, and what holds for every answer. */
export async function play(scenario: Scenario, world: World): Promise<Answer> {
  await scenario.after?.(world);
  const [method, path] = requestOf(scenario);
  const before = scenario.events && (await world.events()).length;
  const answer = await world.send(scenario.by, method, path, {
    body: scenario.body,
    raw: scenario.raw,
    headers: {
      ...scenario.headers,
      ...(scenario.ifMatch !== undefined && { "if-match": scenario.ifMatch }),
      ...(scenario.key !== undefined && { "idempotency-key": scenario.key }),
    },
  });
  if (answer.status !== scenario.status) {
    throw new Error(`expected ${scenario.status}, got ${answer.status}: ${answer.text.slice(0, 600)}`);
  }
  if (scenario.has !== undefined) expect(answer.json).toMatchObject(named(scenario.has, world) as object);
  for (const [name, wanted] of Object.entries(scenario.hasHeaders ?? {})) {
    const value = answer.headers.get(name);
    if (wanted instanceof RegExp) expect(value ?? `no ${name}`).toMatch(wanted);
    else expect(value).toBe(wanted === null ? null : (named(wanted, world) as string));
  }
  for (const text of scenario.never ?? []) expect(answer.text).not.toMatch(text);
  if (scenario.problem) expectProblem(answer, named(scenario.problem, world) as Scenario["problem"]);
  if (scenario.events) {
    const recorded = (await world.events()).slice(before);
    expect(recorded.map(({ type }) => type)).toEqual(scenario.events);
    for (const event of recorded) expect(event.request_id).toBe(answer.headers.get("x-request-id")!);
  }
  await scenario.then?.(world, answer);
  return answer;
}

function expectProblem(answer: Answer, problem: Scenario["problem"]): void {
  const { code, field, fieldCode, ...members } = problem!;
  if (code !== undefined) expect(answer.json.code).toBe(code);
  if (field !== undefined) {
    const found = answer.json.errors?.find((error: { field: string }) => error.field === field);
    expect(found ?? answer.json.errors).toMatchObject({ field, ...(fieldCode && { code: fieldCode }) });
  }
  expect(answer.json).toMatchObject(members);
}

/** What no answer may ever show: a stack, SQL, a path of the server. */
const leaks = [
  /\bat \S+ \(/,
  /node_modules/,
  /\bSELECT\b.*\bFROM\b/i,
  /\binsert into\b/i,
  /SQLITE_/,
  /\/src\//,
  /bunfs/,
];

/** What holds for every answer of the server. */
export function expectSound(method: string, path: string, answer: Answer): void {
  const { headers, status } = answer;
  expect(headers.get("x-request-id") ?? "no request id").toMatch(/^[\w.:-]{8,128}$/);
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  // Admins are shown the statements that took long, and the log.
  const isInside = /^\/api\/admin\/monitor\/?(\?|$)/.test(path) && status === 200;
  for (const leak of isInside ? [] : leaks) expect(answer.text).not.toMatch(leak);
  if (status === 200 || status === 201) expect(misfit(method, path, answer.json)).toBeUndefined();
  if (status < 400 || method === "HEAD") return;
  expect(headers.get("content-type")).toBe("application/problem+json");
  const wrong = noProblem(answer.json);
  expect(wrong ? `${wrong}: ${answer.text}` : "fits").toBe("fits");
  // A refusal that is replayed names the request that was refused.
  const isReplayed = headers.get("idempotency-replayed") !== null;
  expect(answer.json).toMatchObject({
    status,
    ...(!isReplayed && { request_id: headers.get("x-request-id") }),
    error: answer.json.detail,
    instance: path.split("?")[0],
  });
  if (status === 405) expect(headers.get("allow") ?? "no allow").toMatch(/^[A-Z, ]+$/);
  if (status === 429 || status === 503) expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
}

function requestOf(s: Scenario): [method: string, path: string] {
  for (const method of ["get", "post", "patch", "put", "delete", "head", "options"] as const) {
    if (s[method] !== undefined) return [method.toUpperCase(), s[method]];
  }
  throw new Error("A scenario names a request.");
}

/** What a scenario is called among the tests. */
export function titleOf(scenario: Scenario): string {
  const [method, path] = requestOf(scenario);
  const by = typeof scenario.by === "string" ? scenario.by : "a bearer";
  return `${scenario.name ? `${scenario.name}: ` : ""}${by} ${method} ${path} → ${scenario.status}`;
}

/** What scenarios run in, for tests that start their own servers. */
export function newWorld(server: TestServer, people: People): World {
  const world: World = {
    server,
    people,
    ids: Object.fromEntries(Object.entries(people).map(([name, { id }]) => [name, id])),
    async send(by, method, path, { body, raw, headers = {} } = {}) {
      const target = String(named(path, world));
      const token =
        by === "nobody"
          ? undefined
          : typeof by === "string"
            ? people[by].token
            : String(named(by.token, world));
      const response = await fetch(server.url + target, {
        method,
        redirect: "manual",
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { "content-type": "application/json" }),
          ...(named(headers, world) as Record<string, string>),
        },
        body: body === undefined ? raw : JSON.stringify(named(body, world)),
      });
      const text = await textOf(response);
      const isJson = /[/+]json/.test(response.headers.get("content-type") ?? "") && text !== "";
      const answer = {
        status: response.status,
        headers: response.headers,
        text,
        json: isJson ? JSON.parse(text) : undefined,
      };
      expectSound(method, target, answer);
      return answer;
    },
    async events() {
      // Some are written after the answer.
      await server.parts.background.settled();
      const { read } = server.parts.store;
      const rows = await read.q
        .select()
        .from(read.t.events)
        .orderBy(read.t.events.created_at, read.t.events.id);
      // An event gets its place in the log a moment after its commit.
      return rows.map(({ seq: _, ...event }) => event);
    },
  };
  return world;
}

/** The body of an answer; of one that goes on and on, how it begins. */
export async function textOf(response: Response): Promise<string> {
  if (response.headers.get("content-type") !== "text/event-stream" || !response.body) return response.text();
  const reader = response.body.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return new TextDecoder().decode(value);
}

/** Puts ids in the place of `$name`, at any depth. */
function named(value: unknown, world: World): unknown {
  if (typeof value === "string") {
    return value.replaceAll(/\$(\w+)/g, (whole, name: string) => world.ids[name] ?? whole);
  }
  if (Array.isArray(value)) return value.map((entry) => named(entry, world));
  if (value === null || typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, named(entry, world)]));
}
