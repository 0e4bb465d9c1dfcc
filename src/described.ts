/** The API as it describes itself, without a server. */
import { buildApp } from "./app";
import { loadConfig } from "./config/load";
import type { MountedRoute } from "./http/declared";
import { openApiDocument, type OpenApiDocument } from "./http/openapi/document";

/** The OpenAPI document that a server gives. */
export const describedApi = (): OpenApiDocument => openApiDocument(describedRoutes());

/** Every route as it is mounted, for whoever reads what it declares. */
export function describedRoutes(): readonly MountedRoute[] {
  const { config } = loadConfig({ env: {}, cwd: "/" });
  return buildApp(config, absent, absent).routes;
}

/** Stands for parts that are named while routes are mounted, and not used before a request. */
const absent = new Proxy(
  () => {
    throw new Error("A route was called that is only described.");
  },
  { get: () => absent },
) as never;
