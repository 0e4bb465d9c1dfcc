import type { TSchema } from "@sinclair/typebox";
import { TypeCompiler, type TypeCheck } from "@sinclair/typebox/compiler";
import { describedRoutes } from "../../src/described";
import { declaredRoutes } from "../../src/http/declared";
import { ProblemView } from "../../src/http/problem";
import { routeTable } from "../../src/http/methods";

const routes = describedRoutes();
const declared = declaredRoutes(routes);
/** What each endpoint says that it returns, when it returns anything. */
const answers = routeTable(routes).map((route, i) => ({ ...route, check: checkOf(declared[i]!.returns) }));

/** Why an answer does not fit the schema that its endpoint promises, if so. */
export function misfit(method: string, path: string, answer: unknown): string | undefined {
  const bare = path.split("?")[0]!;
  const check = answers.find((route) => route.method === method && route.path.test(bare))?.check;
  const wrong = check && firstError(check, answer);
  return wrong && `${method} ${path}: ${wrong}`;
}

const problem = TypeCompiler.Compile(ProblemView);

/** Why this is no problem document, if so. */
export const noProblem = (answer: unknown): string | undefined => firstError(problem, answer);

/** Errors are looked for only where there are some: it takes a hundred times as long as to see that there are none. */
function firstError(check: TypeCheck<TSchema>, value: unknown): string | undefined {
  if (check.Check(value)) return undefined;
  const error = check.Errors(value).First()!;
  return `${error.path} ${error.message}`;
}

function checkOf(schema: TSchema | undefined): TypeCheck<TSchema> | undefined {
  // What is no JSON has no members.
  return schema && !schema.contentMediaType ? TypeCompiler.Compile(closed(schema)) : undefined;
}

/** The same schema, in which nothing may stand that it does not name: what nobody promised may be a secret. */
export function closed<Schema extends TSchema>(schema: Schema): Schema {
  if (schema.type === "array") return { ...schema, items: closed(schema.items) };
  if (schema.anyOf) return { ...schema, anyOf: (schema.anyOf as TSchema[]).map(closed) };
  if (schema.type !== "object" || !schema.properties) return schema;
  const properties = Object.entries<TSchema>(schema.properties).map(([name, part]) => [name, closed(part)]);
  return { additionalProperties: false, ...schema, properties: Object.fromEntries(properties) };
}
