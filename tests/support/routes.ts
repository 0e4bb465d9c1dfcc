import { describedRoutes } from "../../src/described";
import { declaredRoutes } from "../../src/http/declared";

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
export const mountedRoutes = (): MountedRoute[] =>
  declaredRoutes(describedRoutes()).map(({ method, path, permission }) => ({
    method,
    path: path.replace(/:\w+/g, "01941f29-7c00-7000-8000-000000000001"),
    name: `${method} ${path.replace(/(.)\/$/, "$1")}`,
    permission: permission!,
  }));
