import { declaredRoutes, type MountedRoute } from "./declared";

/** Every route of the server: its method, and a pattern for its path. */
export type RouteTable = {
  method: string;
  path: RegExp;
  /** The path has no parameters. */
  isFixed: boolean;
}[];

/**
 * Reads the mounted routes into the table that answers 405.
 * @throws Error when a route declares no permission: nothing may be open by accident
 */
export function routeTable(routes: readonly MountedRoute[]): RouteTable {
  const own = declaredRoutes(routes);
  const undeclared = own.filter(({ permission }) => permission === undefined);
  if (undeclared.length > 0) {
    const names = undeclared.map(({ method, path }) => `${method} ${path}`).join(", ");
    throw new Error(`These routes declare no permission: ${names}.`);
  }
  return own.map(({ method, path }) => ({ method, path: patternOf(path), isFixed: !path.includes("/:") }));
}

/** `/api/clients/:id` matches one segment for `:id`, and a slash at the end or none. */
function patternOf(path: string) {
  const segments = path.split("/").filter((segment) => segment !== "");
  const body = segments
    .map((segment) => (segment.startsWith(":") ? "[^/]+" : RegExp.escape(segment)))
    .join("/");
  return new RegExp(`^/${body}/?$`);
}

/** The methods that this path answers, `HEAD` with `GET`. */
export function allowedMethods(routes: RouteTable, path: string): string[] {
  // Two routes may match: `/users/me` is also a `/users/:id`.
  const methods = new Set(routes.filter((route) => route.path.test(path)).map(({ method }) => method));
  return [...methods].flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])).toSorted();
}
