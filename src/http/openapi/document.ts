import { registerSchemaPath } from "@elysiajs/swagger/utils";
import { version } from "../../build";
import { declaredRoutes, type MountedRoute } from "../declared";
import { withComponents } from "./components";
import { sharedHeaders } from "./headers";
import { operationOf } from "./operation";

/** A JSON Schema. */
export type Schema = Record<string, unknown>;

/** One answer of an operation. */
export interface ResponseObject {
  description: string;
  headers?: Record<string, { $ref: string }>;
  content?: Record<string, { schema: Schema; example?: unknown }>;
}

/** One parameter of an operation. */
export interface ParameterObject {
  name: string;
  in: "path" | "query" | "header";
  required: boolean;
  description?: string;
  schema: Schema;
}

/** One endpoint in the document. */
export interface Operation {
  operationId: string;
  summary?: string;
  description: string;
  tags?: string[];
  "x-permission": string;
  security: Record<string, string[]>[];
  parameters?: ParameterObject[];
  requestBody?: {
    required: boolean;
    content: Record<string, { schema: Schema; example?: unknown }>;
  };
  responses: Record<string, ResponseObject>;
}

/** The OpenAPI 3.1 document, as far as it is read here. */
export interface OpenApiDocument {
  openapi: "3.1.0";
  info: { title: string; version: string; description: string };
  servers: { url: string }[];
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: Record<string, Record<string, unknown>>;
}

const description = `A CRM over HTTP: JSON in UTF-8, \`snake_case\`, absent values are \`null\`. Sign in with
\`POST /api/auth/login\` and send the access token as \`Authorization: Bearer …\`.

Every error is a problem document (RFC 9457) with a \`code\` that never changes. What has a \`version\` comes with an
\`ETag\` and takes \`If-Match\`. A \`POST\` takes an \`Idempotency-Key\`, so that sending it twice makes one record.`;

/** The document of these routes: all of it follows from what they declare. */
export function openApiDocument(mounted: readonly MountedRoute[]): OpenApiDocument {
  const routes = declaredRoutes(mounted).filter(({ detail }) => !detail.hide);
  const softDeleted = routes.filter(({ list }) => list?.softDeleted).map(({ path }) => path);
  const paths: OpenApiDocument["paths"] = {};
  for (const route of routes) {
    const { hook, finish } = operationOf(route, { softDeleted });
    const added: OpenApiDocument["paths"] = {};
    registerSchemaPath({ schema: added, models: {}, path: route.path, method: route.method, hook } as never);
    for (const [path, operations] of Object.entries(added)) {
      for (const [method, operation] of Object.entries(operations)) {
        (paths[path] ??= {})[method] = finish(operation);
      }
    }
  }
  const [first, ...others] = new Set(routes.flatMap(({ detail }) => detail.tags ?? []));
  return withComponents({
    openapi: "3.1.0",
    info: { title: "Neo CRM API", version, description: description.replaceAll(/(?<!\n)\n(?!\n)/g, " ") },
    servers: [{ url: "/" }],
    // What the server says about itself comes first there, and last to whoever reads about the API.
    tags: [...others, first!].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
      headers: sharedHeaders,
    },
  });
}
