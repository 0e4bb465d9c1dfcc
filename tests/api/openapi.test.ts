import { OptionalKind, Type } from "@sinclair/typebox";
import { Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eq } from "drizzle-orm";
import { valueAt, walkOf, type Step } from "../../scripts/walk";
import { describedApi, describedRoutes } from "../../src/described";
import { setupCode } from "../../src/features/auth/setup-code";
import { declaredRoutes } from "../../src/http/declared";
import { withComponents } from "../../src/http/openapi/components";
import { filled } from "../../src/http/openapi/examples";
import { notify } from "../../src/features/notifications/notify";
import { newId } from "../../src/ids";
import { statusOf } from "../../src/http/problem";
import type { Store } from "../../src/db/store";
import { addJob } from "../../src/jobs/queue";
import { catalogue } from "../../src/problems";
import { mailedTokens, newestToken, outboxOf } from "../support/mail";
import { picture } from "../support/documents";
import { dot, formOf, pictured, upload, type ExampleForm } from "../support/files";
import { explainAll, planningDatabase, readWhole, type Explained } from "../support/plans";
import { password, type People } from "../support/people";
import { newWorld, scenarios, type World } from "../support/scenario";
import { engines, startTestServer } from "../support/servers";
import { neocrm } from "../support/terminal";

const document = describedApi();
const routes = declaredRoutes(describedRoutes()).filter(({ detail }) => !detail.hide);
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
);

/** The routes of which something is not true, by name. */
const without = (holds: (route: (typeof routes)[number]) => boolean) =>
  routes.filter((route) => !holds(route)).map(({ method, path }) => `${method} ${path}`);

describe("the OpenAPI document", () => {
  test("is valid OpenAPI 3.1", async () => {
    expect(await new Validator().validate({ ...structuredClone(document) })).toEqual({ valid: true });
  });

  test("is what neocrm openapi prints", async () => {
    const { code, out } = await neocrm(["openapi"]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual(document);
  });

  test("has a summary and a tag for every route", () => {
    expect(without(({ detail }) => Boolean(detail.summary && detail.tags?.length))).toEqual([]);
  });

  test("says what every route returns", () => {
    const saysNothing = [204, 303];
    expect(
      without(({ returns, answer }) => returns !== undefined || saysNothing.includes(answer?.status ?? 200)),
    ).toEqual([]);
    expect(without(({ returns }) => returns === undefined || returns.title !== undefined)).toEqual([]);
  });

  test("has an example for every body", () => {
    expect(without(({ body, example }) => body === undefined || example !== undefined)).toEqual([]);
  });

  test("knows the answer of every write", () => {
    expect(without(({ method, answer }) => method === "GET" || answer !== undefined)).toEqual([]);
  });

  test("names every operation once", () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("says of every operation who may call it", () => {
    for (const { name, operation } of operations) {
      const isClosed = operation["x-permission"] !== "public";
      expect([name, operation.responses["401"] !== undefined || !isClosed]).toEqual([name, true]);
      expect([name, operation.description]).toEqual([
        name,
        expect.stringMatching(/Needs|For whoever|Open to/),
      ]);
      if (isClosed) expect([name, operation.security]).toEqual([name, [{ bearer: [] }]]);
    }
  });

  test("lists every parameter that a list takes", () => {
    const parameters = document.paths["/api/clients"]!.get!.parameters!;
    const named = (name: string) => parameters.find((parameter) => parameter.name === name)?.schema;
    expect(named("filter[status]")).toMatchObject({ enum: ["prospect", "active", "inactive", "customer"] });
    expect(named("filter[name][starts_with]")).toMatchObject({ type: "string" });
    expect(named("filter[email][is_null]")).toMatchObject({ type: "boolean" });
    expect(named("filter[created_at][starts_with]")).toBeUndefined();
    expect(named("limit")).toMatchObject({ minimum: 1, maximum: 200, default: 20 });
    expect(named("sort")).toMatchObject({ default: "-created_at" });
    expect(named("assignee")).toMatchObject({ format: "uuid" });
    expect(named("deleted")).toMatchObject({ enum: ["only", "with"] });
  });

  test("keeps a schema with a title once, and refuses a second one", () => {
    expect(
      document.paths["/api/clients"]!.get!.responses["200"]!.content!["application/json"]!.schema,
    ).toEqual({ $ref: "#/components/schemas/ClientPage" });
    const answer = (schema: object) => ({ description: "x", content: { "application/json": { schema } } });
    const twice = {
      ...document,
      paths: {
        "/x": {
          get: {
            ...operations[0]!.operation,
            responses: {
              200: answer(Type.String({ title: "Same" })),
              201: answer(Type.Integer({ title: "Same" })),
            },
          },
        },
      },
    } as unknown as typeof document;
    expect(() => withComponents(twice)).toThrow("Two schemas have the title Same.");
  });

  test("says what bodies are, and which may be left out", () => {
    for (const { method, path, body } of routes) {
      if (!body) continue;
      const operation = document.paths[path.replaceAll(/:(\w+)/g, "{$1}")]![method.toLowerCase()]!;
      expect([path, operation.requestBody!.required]).toEqual([path, !(OptionalKind in body)]);
      expect(Object.keys(operation.requestBody!.content)).toEqual(["application/json"]);
    }
    for (const { method, path, orText } of routes.filter(({ form }) => form)) {
      const { requestBody } = document.paths[path]![method.toLowerCase()]!;
      expect([path, Object.keys(requestBody!.content), requestBody!.required]).toEqual([
        ...[path, ["multipart/form-data", ...(orText ? [orText] : [])], true],
      ]);
      const { schema, example } = requestBody!.content["multipart/form-data"]!;
      const fields = Object.values(schema.properties as Record<string, { format?: string }>);
      expect(fields.map(({ format }) => format)).toContain("binary");
      expect(example).toBeDefined();
    }
  });
});

describe("the catalogue of problems", () => {
  test("is the table in docs/api.md", async () => {
    const [, table = ""] = (await Bun.file(`${import.meta.dir}/../../docs/api.md`).text()).split(
      "\n## Errors\n",
    );
    const rows = [...table.matchAll(/^\| (\d{3}) +\| `([a-z_]+)` +\| (.+?) +\|$/gm)];
    expect(rows.map(([, status, code, meaning]) => [Number(status), code, meaning])).toEqual(
      catalogue.map(({ kind, code, meaning }) => [statusOf(kind), code, meaning]),
    );
  });

  test("has no code that nothing answers", () => {
    const declared = new Set(
      operations.flatMap(({ operation }) =>
        Object.values(operation.responses).flatMap(({ content }) => {
          const schema = content?.["application/problem+json"]?.schema as { allOf: [unknown, CodeSchema] };
          return schema?.allOf[1].properties.code.enum ?? [];
        }),
      ),
    );
    // Answered where no operation is.
    const elsewhere = ["websocket_expected", "method_not_allowed"];
    // The command line's alone.
    const commands = ["not_empty"];
    const missing = catalogue.map(({ code }) => code).filter((code) => !declared.has(code));
    expect(missing).toEqual([...elsewhere, ...commands] as never);
  });
});

interface CodeSchema {
  properties: { code: { enum: string[] } };
}

scenarios("the document over HTTP", {}, [
  {
    by: "nobody",
    get: "/swagger/json",
    status: 200,
    has: { openapi: "3.1.0" },
    hasHeaders: { "content-type": /^application\/json/, ratelimit: null },
    then: (_, { json }) => expect(json).toEqual(document),
  },
  { by: "nobody", get: "/swagger/json", headers: { "if-none-match": "*" }, status: 304 },
  { by: "nobody", get: "/swagger/json?x=1", status: 400, problem: { code: "unknown_parameter" } },
  { by: "nobody", get: "/swagger/nothing", status: 404 },
]);

const secret = "a secret of the tests that is long enough";

/** Adds a job of a kind that nobody does, which has failed. */
const deadLetter = (store: Store) =>
  store.tx(async (session) => {
    const id = await addJob(session, { kind: "of nobody's", payload: {} });
    const { jobs } = session.t;
    await session.q.update(jobs).set({ state: "failed" }).where(eq(jobs.id, id));
    return id;
  });

describe.each(engines)("every example of the document [%s]", (engine) => {
  let world: World;
  let explained: Map<string, Explained>;
  const backups = mkdtempSync(join(tmpdir(), "neocrm-backups-"));
  const known = new Map([
    ["setup_code", setupCode(secret)],
    ["email", "ada@example.com"],
    ["password", password],
  ]);
  beforeAll(async () => {
    const env = { JWT_SECRET: secret, NEOCRM_AUTH_REGISTRATION: "open", NEOCRM_BACKUP_DIR: backups };
    const server = await startTestServer(engine, env, await planningDatabase(engine));
    world = newWorld(server, {} as People);
    explained = explainAll(server);
  });
  afterAll(async () => {
    await world?.server.stop();
    rmSync(backups, { recursive: true, force: true });
  });

  for (const step of walkOf(routes)) {
    const { method, path } = step.route;
    test(`${method} ${path} succeeds`, async () => {
      if (!known.has("access_token") && step.route.permission !== "public") await take(signingIn());
      await take(step);
    });
  }

  test("none of which has a table read as a whole", () => {
    expect(explained.size).toBeGreaterThan(40);
    for (const statement of explained.values())
      expect([statement.text, readWhole(statement)]).toEqual([statement.text, []]);
  });

  async function take({ route, path, keeps }: Step): Promise<void> {
    const fill = (value: unknown) => filled(value, (name) => known.get(name) ?? `no ${name}`);
    for (const [name, mail] of Object.entries(mailedTokens)) {
      if (!route.walk?.needs?.includes(name)) continue;
      known.set(name, newestToken(await outboxOf(world.server), mail)!);
    }
    if (route.walk?.needs?.includes("notifications_id")) known.set("notifications_id", await told());
    if (route.walk?.needs?.includes("preview_id")) {
      const id = await imageFor();
      for (const name of ["preview_id", "files_id"]) known.set(name, id);
    }
    if (route.walk?.needs?.includes("avatars_id") && route.method === "GET") {
      const me = await world.send({ token: known.get("access_token")! }, "GET", "/api/users/me");
      known.set("avatars_id", me.json.avatar_url.split("/").at(-1));
    }
    if (route.walk?.needs?.includes("jobs_id")) known.set("jobs_id", await jobFor(route.path));
    if (route.walk?.needs?.includes("image_token")) known.set("token", await sharedImage());
    const example = route.example === undefined ? undefined : fill(route.example);
    const sent = route.form ? formOf(example as ExampleForm) : { body: example };
    const token = known.get("access_token");
    const by = token === undefined ? "nobody" : { token };
    const answer = await world.send(by, route.method, String(fill(path)), sent);
    expect([answer.status, answer.text]).toEqual([route.answer?.status ?? 200, answer.text]);
    for (const [name, place] of Object.entries(keeps)) {
      known.set(name, String(valueAt(place, { request: example, answer: answer.json })));
    }
    if (route.walk?.endsSession) known.delete("access_token");
  }

  /** The token of a link to an image. */
  async function sharedImage(): Promise<string> {
    const by = { token: known.get("access_token")! };
    const { id } = await upload(world, by, "dot.png", dot);
    await pictured(world, by, id);
    return (await world.send(by, "POST", `/api/files/${id}/share`, { body: {} })).json.token;
  }

  /** A job with which something can be done. */
  async function jobFor(path: string): Promise<string> {
    const { store } = world.server.parts;
    if (path.endsWith("/cancel"))
      return store.tx((session) => addJob(session, { kind: "of nobody's", payload: {} }));
    if (!path.endsWith("/undo")) return deadLetter(store);
    const body = { items: [{ id: newId() }], set: { notes: "x" } };
    const token = known.get("access_token")!;
    return (await world.send({ token }, "POST", "/api/bulk/clients/update", { body })).json.id;
  }

  /** A file that there are pictures of. */
  async function imageFor(): Promise<string> {
    const by = { token: known.get("access_token")! };
    const { id } = await upload(world, by, "portrait.png", await picture("png"));
    await pictured(world, by, id);
    return id;
  }

  /** Tells whoever walks something, and gives its id. */
  async function told(): Promise<string> {
    const me = await world.send({ token: known.get("access_token")! }, "GET", "/api/users/me");
    const notice = { userId: me.json.id, type: "mention", actorId: null, message: "x", link: null } as const;
    await world.server.parts.store.tx((session) => notify(session, { ...notice, title: newId() }));
    const list = await world.send({ token: known.get("access_token")! }, "GET", "/api/notifications");
    return list.json.data[0].id;
  }

  const signingIn = () => walkOf(routes).find(({ route }) => route.path === "/api/auth/login")!;
});
