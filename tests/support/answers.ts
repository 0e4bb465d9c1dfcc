import type { TSchema } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { AuthorizationView, SessionView, TokensView } from "../../src/features/auth/schema";
import { ClientView } from "../../src/features/clients/schema";
import { SettingView } from "../../src/features/settings/schema";
import { TaskStats, TaskView } from "../../src/features/tasks/schema";
import { RoleWithGrants, UserOrRef, UserRef, UserView } from "../../src/features/users/schema";
import { PageOf } from "../../src/http/schema";

const id = "[0-9a-fA-F-]{36}";

/** What each endpoint answers with when all is well. */
const answers: [method: string, path: RegExp, schema: TSchema][] = [
  ["GET", /^\/api\/clients$/, PageOf(ClientView)],
  ["POST", /^\/api\/clients$/, ClientView],
  ["GET", new RegExp(`^/api/clients/${id}$`), ClientView],
  ["PATCH", new RegExp(`^/api/clients/${id}$`), ClientView],
  ["POST", new RegExp(`^/api/clients/${id}/restore$`), ClientView],
  ["GET", /^\/api\/tasks$/, PageOf(TaskView)],
  ["POST", /^\/api\/tasks$/, TaskView],
  ["GET", /^\/api\/tasks\/stats$/, TaskStats],
  ["GET", new RegExp(`^/api/tasks/${id}$`), TaskView],
  ["PATCH", new RegExp(`^/api/tasks/${id}$`), TaskView],
  ["POST", new RegExp(`^/api/tasks/${id}/(restore|complete)$`), TaskView],
  ["POST", /^\/api\/auth\/(setup|register|login|refresh)$/, TokensView],
  ["POST", /^\/api\/users\/password$/, TokensView],
  ["GET", /^\/api\/auth\/sessions$/, PageOf(SessionView)],
  ["GET", /^\/api\/users\/me$/, UserView],
  ["PATCH", /^\/api\/users\/me$/, UserView],
  ["GET", /^\/api\/users\/me\/authorization$/, AuthorizationView],
  ["GET", /^\/api\/users$/, PageOf(UserRef)],
  ["GET", new RegExp(`^/api/users/${id}$`), UserOrRef],
  ["PATCH", new RegExp(`^/api/users/${id}$`), UserView],
  ["GET", /^\/api\/admin\/users$/, PageOf(UserView)],
  ["POST", /^\/api\/admin\/users$/, UserView],
  ["GET", new RegExp(`^/api/admin/users/${id}$`), UserView],
  ["PATCH", new RegExp(`^/api/admin/users/${id}$`), UserView],
  ["PUT", new RegExp(`^/api/admin/users/${id}/role$`), UserView],
  ["GET", /^\/api\/admin\/settings$/, PageOf(SettingView)],
  ["PATCH", /^\/api\/admin\/settings\/[\w.]+$/, SettingView],
  ["GET", /^\/api\/admin\/roles$/, PageOf(RoleWithGrants)],
];

/** Why an answer does not fit the schema that its endpoint promises, if so. */
export function misfit(method: string, path: string, answer: unknown): string | undefined {
  const schema = answers.find(([verb, pattern]) => verb === method && pattern.test(path.split("?")[0]!))?.[2];
  const wrong = schema && Value.Errors(closed(schema), answer).First();
  return wrong && `${method} ${path}: ${wrong.path} ${wrong.message}`;
}

/** The same schema, in which nothing may stand that it does not name: what nobody promised may be a secret. */
function closed<Schema extends TSchema>(schema: Schema): Schema {
  if (schema.type === "array") return { ...schema, items: closed(schema.items) };
  if (schema.anyOf) return { ...schema, anyOf: (schema.anyOf as TSchema[]).map(closed) };
  if (schema.type !== "object" || !schema.properties) return schema;
  const properties = Object.entries<TSchema>(schema.properties).map(([name, part]) => [name, closed(part)]);
  return { ...schema, properties: Object.fromEntries(properties), additionalProperties: false };
}
