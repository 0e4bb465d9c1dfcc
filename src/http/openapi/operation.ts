import { OptionalKind, Type, type TObject, type TSchema } from "@sinclair/typebox";
import { generateOperationId, toOpenAPIPath } from "@elysiajs/swagger/utils";
import { filterQuery, listQuery } from "../../list";
import type { Permission } from "../../policy";
import type { CataloguedProblem } from "../../problems";
import type { DeclaredRoute } from "../declared";
import { exportQuery } from "../exported";
import { problemDocument, ProblemView } from "../problem";
import type { Operation, ResponseObject, Schema } from "./document";
import { exampleOf, sampleId } from "./examples";
import { isVersioned, problemHeaders, requestHeaders, successHeaders } from "./headers";
import { problemsOf, type Surroundings } from "./problems-of";

/** A route in the terms of `registerSchemaPath`, and what is left to do with the operation it makes. */
export interface Described {
  hook: object;
  finish(operation: Operation): Operation;
}

/** Describes a route. */
export function operationOf(route: DeclaredRoute, around: Surroundings): Described {
  const { method, path, permission = "public", params, body, form, detail } = route;
  return {
    hook: {
      parse: [form ? "multipart/form-data" : "application/json"],
      ...{ params, body: form ?? body, headers: requestHeaders(route), query: queryOf(route) },
      detail: {
        security: permission === "public" ? [] : [{ bearer: [] }],
        ...detail,
        description: [detail.description, needs(permission)].filter(Boolean).join("\n\n"),
        operationId: generateOperationId(method, toOpenAPIPath(path.replace(/^\/api\//, "/"))),
        "x-permission": permission,
        responses: { ...responsesOf(route, around), ...detail.responses },
      },
    },
    finish: (operation) => withExample(operation, route),
  };
}

function queryOf({ list, exported, filters, parameters }: DeclaredRoute): TObject | undefined {
  if (list) return listQuery(list);
  if (exported) return exportQuery(exported);
  return filters ? filterQuery(filters) : parameters && Type.Partial(parameters);
}

function needs(permission: Permission): string {
  if (permission === "public") return "Open to everybody.";
  if (permission === "signed-in") return "For whoever is signed in.";
  return `Needs the permission \`${permission}\`.`;
}

/** Says whether the body may be left out, and gives one that succeeds. */
function withExample(operation: Operation, { body, form, orText, example }: DeclaredRoute): Operation {
  const { requestBody } = operation;
  if (!requestBody || !(form ?? body)) return operation;
  const content: typeof requestBody.content = {};
  for (const [type, media] of Object.entries(requestBody.content))
    content[type] = example === undefined ? media : { ...media, example: exampleOf(example) };
  if (orText) content[orText] = { schema: { type: "string" } };
  const required = !(OptionalKind in (form ?? body)!);
  return { ...operation, requestBody: { required, content } };
}

function responsesOf(route: DeclaredRoute, around: Surroundings): Record<string, ResponseObject> {
  const responses: Record<string, ResponseObject> = { [route.answer?.status ?? 200]: successOf(route) };
  if (route.method === "GET" && isVersioned(route)) {
    responses[304] = { description: "You have the present version.", headers: successHeaders(route) };
  }
  for (const [status, problems] of problemsOf(route, around)) {
    responses[status] = problemResponse(route, status, problems);
  }
  return responses;
}

function successOf(route: DeclaredRoute): ResponseObject {
  const { answer, exported, returns, detail } = route;
  const description = detail.summary ?? "Done";
  const headers = successHeaders(route);
  if (answer?.status === 204 || !returns) return { description, headers };
  const content = { [mediaTypeOf(returns)]: { schema: returns as Schema } };
  if (!exported) return { description, headers, content };
  // Of the lines of NDJSON, each is what an element of the array is.
  const record = Type.Partial(exported.view, { title: `Exported${exported.view.title}` });
  const schema = Type.Array(record) as Schema;
  const others = { "application/json": { schema }, "application/x-ndjson": { schema: { type: "string" } } };
  return { description, headers, content: { ...content, ...others } };
}

/** What is no JSON says so in its schema. */
const mediaTypeOf = ({ contentMediaType = "application/json" }: TSchema) => String(contentMediaType);

function problemResponse(
  route: DeclaredRoute,
  status: number,
  problems: CataloguedProblem[],
): ResponseObject {
  const code = { type: "string", enum: problems.map((problem) => problem.code) };
  const schema = { allOf: [ProblemView, { type: "object", properties: { code } }] };
  return {
    description: problems.map((problem) => `\`${problem.code}\`: ${problem.meaning}`).join("\n\n"),
    headers: problemHeaders(route, status),
    content: { "application/problem+json": { schema, example: exampleProblem(problems[0]!, route.path) } },
  };
}

const exampleProblem = ({ kind, code, meaning }: CataloguedProblem, path: string) =>
  problemDocument({ kind, code, detail: meaning }, path.replaceAll(/:\w+/g, sampleId), sampleId);
