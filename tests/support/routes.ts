import { buildApp } from "../../src/app";
import { loadConfig } from "../../src/config/load";
import { permissionKey } from "../../src/http/kit";
import { Health } from "../../src/ops/health";
import type { World } from "./scenario";

/** A route of the server, as it is mounted. */
export interface MountedRoute {
  method: string;
  /** With an id in the place of each parameter. */
  path: string;
  /** Method and path, as they are declared. */
  name: string;
  permission: string;
}

/** Every route that the server answers. */
export function mountedRoutes({ server }: World): MountedRoute[] {
  const { config } = loadConfig({ env: {}, cwd: server.dataDir });
  const app = buildApp(config, server.parts, new Health({ ...server.parts, dataDir: server.dataDir }));
  return app.routes
    .filter(({ method }) => method !== "OPTIONS")
    .map(({ method, path, hooks }) => ({
      method,
      path: path.replace(/:\w+/g, "01941f29-7c00-7000-8000-000000000001"),
      name: `${method} ${path.replace(/(.)\/$/, "$1")}`,
      permission: hooks.detail?.[permissionKey] as string,
    }));
}
