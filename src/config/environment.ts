/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the process was started with. Nothing else reads it, so that tests can pass their own. */
export const processEnvironment = (): { env: Environment; cwd: string } => ({
  env: process.env,
  cwd: process.cwd(),
});
