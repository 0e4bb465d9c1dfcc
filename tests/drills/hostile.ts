import { addJob } from "../../src/jobs/queue";
import { describedApi } from "../../src/described";
import { notify } from "../../src/features/notifications/notify";
import type { OpenApiDocument, Operation } from "../../src/http/openapi/document";
import { upload } from "../support/files";
import { bringPeople, letIn, password, type Name } from "../support/people";
import { expectSound, newWorld, textOf, type Answer, type World } from "../support/scenario";
import { startTestServer, type Engine } from "../support/servers";
import { HostileRequests, type HostileRequest, type Known } from "./hostile-requests";

/** What the drill is run with. */
export interface HostileOptions {
  engine: Engine;
  requests: number;
  /** The same seed sends the same. */
  seed: number;
}

/** What came of it. */
export interface HostileResult {
  sent: number;
  /** How many answers had a status of this hundred: `2` → 2xx. */
  answers: Record<string, number>;
  /** What was wrong, at most twenty, each with the request that led to it. */
  wrong: string[];
}

const askers: (Name | "nobody")[] = ["admin", "lan", "nobody"];
const mostWrong = 20;

/**
 * Sends requests made from the OpenAPI document to a server of its own: every answer has to be one that the document
 * promises for that endpoint.
 */
export async function hostileDrill({ engine, requests, seed }: HostileOptions): Promise<HostileResult> {
  const server = await startTestServer(engine, {
    NEOCRM_AUTH_REGISTRATION: "open",
    NEOCRM_SERVER_TRUSTED_PROXIES: "127.0.0.1",
  });
  try {
    const world = newWorld(server, await bringPeople(server));
    const document = describedApi();
    const hostile = new HostileRequests(document, seed);
    const judge = new Judge(document);
    const result: HostileResult = { sent: 0, answers: {}, wrong: [] };
    let known = await knownIn(world);
    while (result.sent < requests && result.wrong.length < mostWrong) {
      if (result.sent % 200 === 0) known = await knownIn(world);
      const by = askers[result.sent++ % askers.length]!;
      const request = hostile.next(known);
      const answer = await send(server.url, request, by === "nobody" ? undefined : world.people[by].token);
      const hundred = String(answer.status)[0]!;
      result.answers[hundred] = (result.answers[hundred] ?? 0) + 1;
      const wrong = judge.faultIn(request, answer);
      if (wrong) result.wrong.push(`#${result.sent} as ${by}: ${wrong}\n${shown(request)}`);
      const mayEnd = answer.status < 300 || request.target.startsWith("/api/auth/");
      if (mayEnd && request.method !== "GET") await comeBack(world);
    }
    return result;
  } finally {
    await server.stop();
  }
}

const shown = ({ method, target, headers, body }: HostileRequest) =>
  `${method} ${target.slice(0, 300)} ${JSON.stringify(headers).slice(0, 300)} ${JSON.stringify(body)?.slice(0, 500)}`;

async function send(url: string, request: HostileRequest, token: string | undefined): Promise<Answer> {
  const { method, target, headers, body } = request;
  const response = await fetch(url + target, {
    ...{ method, body, redirect: "manual" },
    headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
  });
  const text = await textOf(response);
  const isJson = /[/+]json/.test(response.headers.get("content-type") ?? "") && text !== "";
  const json: unknown = isJson ? JSON.parse(text) : undefined;
  return { status: response.status, headers: response.headers, text, json };
}

let comebacks = 1;

/** What succeeded may have ended somebody's session, and so may a refresh token that comes a second time. */
async function comeBack({ server, people }: World): Promise<void> {
  for (const name of ["admin", "lan"] as const) {
    const headers = { authorization: `Bearer ${people[name].token}` };
    const { status } = await fetch(`${server.url}/api/users/me`, { headers });
    // From an address of its own: from that of the drill, too many passwords were wrong by now.
    const from = { "x-forwarded-for": `2001:db8:${(comebacks++).toString(16)}::1` };
    if (status === 401) people[name] = await letIn(server, people[name].email, from);
  }
}

/** Records of everybody, one of them deleted, so that paths lead somewhere. */
async function knownIn(world: World): Promise<Known> {
  const [clients, tasks] = [[], []] as [string[], string[]];
  for (const by of ["admin", "lan"] as const) {
    for (const [path, body, ids] of [
      ["/api/clients", { name: "Known" }, clients],
      ["/api/tasks", { title: "Known" }, tasks],
    ] as const) {
      for (let i = 0; i < 2; i++) ids.push((await world.send(by, "POST", path, { body })).json.id);
      await world.send("admin", "DELETE", `${path}/${ids.at(-1)!}`);
    }
  }
  const [files, folders] = [[], []] as [string[], string[]];
  for (const by of ["admin", "lan"] as const) {
    for (const name of [`Known ${by}`, `Gone ${by}`])
      folders.push((await world.send(by, "POST", "/api/folders", { body: { name } })).json.id);
    for (const name of ["known.txt", "gone.txt"]) files.push((await upload(world, by, name)).id);
    await world.send("admin", "DELETE", `/api/folders/${folders.at(-1)!}`);
    await world.send("admin", "DELETE", `/api/files/${files.at(-1)!}`);
  }
  const shares = [];
  for (const body of [{}, { password }, { view_only: true }, { max_downloads: 1 }])
    shares.push((await world.send("lan", "POST", `/api/files/${files[2]!}/share`, { body })).json);
  const { lan, minh, stranger } = world.people;
  // With a key, it does not count among those that one may have.
  const job = { kind: "of nobody's", key: crypto.randomUUID(), payload: {}, createdBy: lan.id };
  const jobs = [await world.server.parts.store.tx((session) => addJob(session, job))];
  const sessions = (await world.send("lan", "GET", "/api/auth/sessions")).json.data;
  const told = { userId: lan.id, type: "mention", actorId: null, message: "Known", link: null } as const;
  for (let i = 0; i < 3; i++)
    await world.server.parts.store.tx((session) => notify(session, { ...told, title: `Known ${i}` }));
  const notifications = (await world.send("lan", "GET", "/api/notifications")).json.data;
  return {
    ...{ users: [minh.id, stranger.id], key: ["clients.default_country", "visibility.clients"] },
    ...{ clients, tasks, files, folders, jobs, sessions: sessions.map(({ id }: { id: string }) => id) },
    notifications: notifications.map(({ id }: { id: string }) => id),
    ...{ share_id: shares.map(({ id }) => id), token: shares.map(({ token }) => token) },
    ...{ user: [minh.id, lan.id], entity_type: ["client", "task", "folder", "file"] },
    entity_id: [...clients, ...tasks, ...folders, ...files],
    ...{ email: [lan.email, "new@hostile.example"], password: [password, "a wrong password"] },
    ...{ current_password: [password], new_password: [password], refresh_token: [lan.refreshToken] },
  };
}

interface Place {
  pattern: RegExp;
  operations: Record<string, Operation>;
}

/** Compares answers with what the document promises. */
class Judge {
  readonly #places: Place[];

  constructor(document: OpenApiDocument) {
    // A path without a parameter comes first: it beats one with a parameter in its place.
    this.#places = Object.entries(document.paths)
      .toSorted(([a], [b]) => Number(a.includes("{")) - Number(b.includes("{")))
      .map(([path, operations]) => ({
        pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}/?$`),
        operations,
      }));
  }

  /** What is wrong with an answer, if anything is. */
  faultIn({ method, target }: HostileRequest, answer: Answer): string | undefined {
    const path = new URL(`http://x${target}`).pathname.replace(/^\/\/+/, "/");
    const places = this.#places.filter(({ pattern }) => pattern.test(path));
    const verb = method === "HEAD" ? "get" : method.toLowerCase();
    const operation = places.find(({ operations }) => operations[verb])?.operations[verb];
    // Where the method is that of a path with a parameter, its checks come first, and then that this is no id.
    const isHidden = answer.status === 405 && places[0]?.operations[verb] === undefined;
    if (answer.status >= 500) return `${answer.status}: ${answer.text.slice(0, 300)}`;
    try {
      expectSound(method, path, answer);
    } catch (error) {
      return (error as Error).message;
    }
    return operation && !isHidden ? strange(operation, method, answer) : unlisted(places.length > 0, answer);
  }
}

/** Why the document does not know this answer of an operation. */
function strange(
  { responses }: Operation,
  method: string,
  { status, json, text }: Answer,
): string | undefined {
  const response = responses[String(status)];
  if (!response) return `${status} ${json?.code} is not among ${Object.keys(responses).join(", ")}`;
  if (status < 400 || method === "HEAD") return undefined;
  const schema = response.content?.["application/problem+json"]?.schema as
    { allOf: [unknown, { properties: { code: { enum: string[] } } }] } | undefined;
  const codes = schema?.allOf[1].properties.code.enum ?? [];
  return codes.includes(json?.code)
    ? undefined
    : `${status} ${json?.code} is not among ${codes.join(", ")}: ${text}`;
}

/** Where no operation is, there is nothing, or another method. */
function unlisted(isPath: boolean, { status, headers, json }: Answer): string | undefined {
  const expected = isPath ? 405 : 404;
  if (
    status === expected &&
    (headers.get("content-length") === "0" || expected === 404 || headers.has("allow"))
  )
    return undefined;
  return `${status} ${json?.code} where ${expected} was to be expected`;
}
