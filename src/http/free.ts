const health = new Set(["/health", "/health/live", "/health/ready"].flatMap((path) => [path, `${path}/`]));

/** Whoever checks the server's health is never turned away. The router takes a slash at the end too. */
export const isHealth = (path: string) => health.has(path);

const pages = ["/swagger", "/monitor"];

/** What nobody is counted or asked for: health, the pages that the executable carries, and the faces in a list of people. */
export const isFree = (path: string) =>
  isHealth(path) ||
  path.startsWith("/api/avatars/") || pages.some((page) => path === page || path.startsWith(`${page}/`));
