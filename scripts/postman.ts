/**
 * Makes the Postman collection and its environments from what the routes declare:
 *
 *   bun run postman                 writes docs/postman/
 */
import { join, resolve } from "node:path";
import type { TSchema } from "@sinclair/typebox";
import { describedRoutes } from "../src/described";
import { declaredRoutes, type DeclaredRoute } from "../src/http/declared";
import { exportQuery } from "../src/http/exported";
import { isVersioned } from "../src/http/openapi/headers";
import { filterQuery, listQuery } from "../src/list";
import { walkOf, type Step } from "./walk";

/** Where the files are kept, by their names. */
export const folder = resolve(import.meta.dir, "../docs/postman");

/** The files as they have to be: name → text. */
export async function postmanFiles(): Promise<Record<string, string>> {
  const routes = declaredRoutes(describedRoutes()).filter(({ detail }) => !detail.hide);
  return {
    "neocrm.postman_collection.json": await formatted(collectionOf(walkOf(routes))),
    "local.postman_environment.json": await formatted(environment("Neo CRM, local", local)),
    "production.postman_environment.json": await formatted(environment("Neo CRM, production", production)),
    ...Object.fromEntries(routes.flatMap(sentFiles)),
  };
}

/** As `bun fmt` would have it, so that it leaves the file alone. */
async function formatted(value: unknown): Promise<string> {
  const stdin = new Blob([JSON.stringify(value, null, 2)]);
  const fmt = Bun.spawn([process.execPath, "fmt", "--stdin-filepath=postman.json"], {
    ...{ cwd: resolve(import.meta.dir, ".."), stdin, stdout: "pipe", stderr: "inherit" },
  });
  return new Response(fmt.stdout).text();
}

const credentials = { email: "ada@example.com", password: "a long enough phrase" };
const local = {
  base_url: "http://localhost:3000",
  ...credentials,
  setup_code: "",
  reset_token: "",
  invitation_token: "",
  verification_token: "",
  registration: "open",
};
const production = { ...local, base_url: "https://crm.example.com", password: "", registration: "" };

const environment = (name: string, values: Record<string, string>) => ({
  ...{ id: idOf(name), name, _postman_variable_scope: "environment" },
  values: Object.entries(values).map(([key, value]) => ({
    ...{
      key,
      value,
      enabled: true,
      type: /^(password|setup_code|.*_token)$/.test(key) ? "secret" : "default",
    },
  })),
});

/** The same file has the same id whenever it is made. */
function idOf(name: string) {
  const hex = new Bun.CryptoHasher("sha256").update(name).digest("hex");
  return hex.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function collectionOf(steps: Step[]) {
  return {
    info: {
      ...{ _postman_id: idOf("Neo CRM"), name: "Neo CRM" },
      description:
        "Every endpoint, in an order in which all of them succeed on an empty system. Set `base_url`, `email` and " +
        "`password`; for the first admin, `setup_code` as the server printed it, and `reset_token`, `invitation_token` and `verification_token` from the mails. Whoever needs to is signed in by itself.",
      schema: "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
    },
    auth: { type: "bearer", bearer: [{ key: "token", value: "{{access_token}}", type: "string" }] },
    event: [event("prerequest", signIn)],
    item: foldersOf(steps),
  };
}

/** Steps that follow each other and belong together share a folder. */
function foldersOf(steps: Step[]) {
  const folders: { name: string; item: object[] }[] = [];
  for (const step of steps) {
    const name = step.route.walk?.last ? "At the end" : (step.route.detail.tags?.[0] ?? "Others");
    if (folders.at(-1)?.name !== name) folders.push({ name, item: [] });
    folders.at(-1)!.item.push(itemOf(step));
  }
  return folders;
}

/** Signs in when nobody is, and the request is not for everybody. */
const signIn = `const get = (name) => pm.environment.get(name);
if (!get("access_token") && pm.request.auth?.type !== "noauth") {
  pm.sendRequest({
    url: get("base_url") + "/api/auth/login",
    method: "POST",
    header: { "Content-Type": "application/json" },
    body: { mode: "raw", raw: JSON.stringify({ email: get("email"), password: get("password") }) },
  }, (error, answer) => {
    if (error || answer.code !== 200) throw new Error("Signing in failed: " + (error ?? answer.text()));
    pm.environment.set("access_token", answer.json().access_token);
    pm.environment.set("refresh_token", answer.json().refresh_token);
  });
}`;

const event = (listen: string, script: string) => ({
  listen,
  script: { type: "text/javascript", exec: script.split("\n") },
});

function itemOf(step: Step) {
  const { route, path } = step;
  const { needs = [] } = route.walk ?? {};
  return {
    name: route.detail.summary,
    // Where it leads to is not what it answers.
    ...(route.answer?.status === 303 && { protocolProfileBehavior: { followRedirects: false } }),
    request: {
      method: route.method,
      ...(isOpen(route) && { auth: { type: "noauth" } }),
      header:
        route.example === undefined || route.form ? [] : [{ key: "Content-Type", value: "application/json" }],
      ...(route.example !== undefined && { body: route.form ? formOf(route) : jsonOf(route) }),
      url: {
        raw: `{{base_url}}${path}`,
        host: ["{{base_url}}"],
        path: path.slice(1).split("/"),
        query: queryOf(route),
      },
    },
    event: [
      ...(needs.length > 0 ? [event("prerequest", skipWithout(needs))] : []),
      event("test", checksOf(step)),
    ],
  };
}

const jsonOf = ({ example }: DeclaredRoute) => ({
  ...{ mode: "raw", raw: JSON.stringify(example, null, 2) },
  options: { raw: { language: "json" } },
});

/** What stands in a form, with its name. */
interface SentFile {
  name: string;
  content: string;
}

/** The files that a route is sent: name → text. They stand beside the collection, where Newman finds them. */
const sentFiles = ({ form, example }: DeclaredRoute): [name: string, text: string][] =>
  Object.values((form && example) ?? {}).flatMap((value: string | SentFile) =>
    typeof value === "string" ? [] : [[value.name, value.content]],
  );

/** A file of a form has to be chosen. */
const formOf = ({ example }: DeclaredRoute) => ({
  mode: "formdata",
  formdata: Object.entries(example as Record<string, string | SentFile>).map(([key, value]) =>
    typeof value === "string" ? { key, type: "text", value } : { key, type: "file", src: value.name },
  ),
});

/** Nobody has to be signed in, and whoever is makes no difference. */
const isOpen = ({ permission, detail }: DeclaredRoute) => permission === "public" && !("security" in detail);

const skipWithout = (names: readonly string[]) =>
  `if (${names.map((name) => `!pm.environment.get("${name}")`).join(" || ")}) pm.execution.skipRequest();`;

/** What a list takes, to be switched on; the other operators of a field are in the OpenAPI document. */
function queryOf({ list, exported, filters }: DeclaredRoute) {
  const schema = list ? listQuery(list) : exported ? exportQuery(exported) : filters && filterQuery(filters);
  return Object.entries<TSchema>(schema?.properties ?? {})
    .filter(([name]) => !name.includes("]["))
    .map(([key, { description, default: value }]) => ({
      ...{ key, value: value === undefined ? "" : String(value), description, disabled: true },
    }));
}

function checksOf({ route, keeps }: Step): string {
  const { answer, returns, walk } = route;
  const status = answer?.status ?? 200;
  const isJson = returns !== undefined && !returns.contentMediaType && status !== 204;
  return [
    `pm.test("status ${status}", () => pm.response.to.have.status(${status}));`,
    `pm.test("has a request id", () => pm.response.to.have.header("X-Request-Id"));`,
    ...(isVersioned(route) ? [`pm.test("has an ETag", () => pm.response.to.have.header("ETag"));`] : []),
    ...(answer?.locates
      ? [`pm.test("says where it is", () => pm.response.to.have.header("Location"));`]
      : []),
    ...(isJson
      ? [`pm.test("fits its schema", () => pm.response.to.have.jsonSchema(${JSON.stringify(returns)}));`]
      : []),
    ...Object.entries(keeps).map(([name, place]) => keepScript(name, place)),
    ...(walk?.endsSession ? [`pm.environment.unset("access_token");`] : []),
  ].join("\n");
}

/** `answer.data.0.id` → reads it from the answer; `request.…` from the body that was sent. */
function keepScript(name: string, place: string): string {
  const [source, ...keys] = place.split(".");
  const from = source === "answer" ? "pm.response.json()" : "JSON.parse(pm.request.body.raw)";
  return `pm.environment.set("${name}", ${from}${keys.map((key) => `[${JSON.stringify(key)}]`).join("")});`;
}

if (import.meta.main) {
  for (const [name, content] of Object.entries(await postmanFiles()))
    await Bun.write(join(folder, name), content);
}
