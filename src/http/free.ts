/** Whoever checks the server's health is never turned away. */
export const isHealth = (path: string) =>
  path === "/health" || path === "/health/live" || path === "/health/ready";

/** What nobody is counted or asked for: health, and the pages of the documents. */
export const isFree = (path: string) => isHealth(path) || path === "/swagger" || path.startsWith("/swagger/");
