const health = new Set(["/health", "/health/live", "/health/ready"].flatMap((path) => [path, `${path}/`]));

/** Whoever checks the server's health is never turned away. The router takes a slash at the end too. */
export const isHealth = (path: string) => health.has(path);

/** What nobody is counted or asked for: health, and the pages of the documents. */
export const isFree = (path: string) => isHealth(path) || path === "/swagger" || path.startsWith("/swagger/");
