import { declaredRoutes, type MountedRoute, type TicketPurpose } from "./declared";

/** Every route of the server: its method, and a pattern for its path. */
export type RouteTable = {
  method: string;
  /** Its groups are the path's parameters. */
  path: RegExp;
  /** The path has no parameters. */
  isFixed: boolean;
  /** For what tickets are taken here. */
  ticket?: TicketPurpose;
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
  return own.map(({ method, path, ticket }) => ({
    ...{ method, path: patternOf(path), isFixed: !path.includes("/:") },
    ...(ticket && { ticket }),
  }));
}

/** `/api/clients/:id` matches one segment for `:id`, and a slash at the end or none. */
function patternOf(path: string) {
  const segments = path.split("/").filter((segment) => segment !== "");
  const body = segments
    .map((segment) => (segment.startsWith(":") ? "([^/]+)" : RegExp.escape(segment)))
    .join("/");
  return new RegExp(`^/${body}/?$`);
}

/** What a ticket has to be good for, to let its bearer in. */
export interface TicketUse {
  purpose: TicketPurpose;
  /** The record that the path names. */
  resourceId: string | null;
}

/** For what a ticket is taken at a path, if it is. */
export function ticketUse(routes: RouteTable, path: string): TicketUse | undefined {
  for (const route of routes) {
    const match = route.ticket === undefined ? null : route.path.exec(path);
    if (match) return { purpose: route.ticket!, resourceId: match[1]?.toLowerCase() ?? null };
  }
  return undefined;
}

/** The methods that this path answers, `HEAD` with `GET`. */
export function allowedMethods(routes: RouteTable, path: string): string[] {
  // Two routes may match: `/users/me` is also a `/users/:id`.
  const methods = new Set(routes.filter((route) => route.path.test(path)).map(({ method }) => method));
  return [...methods].flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])).toSorted();
}
