const isRoot = process.getuid?.() === 0;

/** The user whom root's tests become where it matters that not everything is allowed: nobody. */
const nobody = 65_534;

/** Who an `unprivileged` process is. */
export const unprivilegedUid: number = isRoot ? nobody : process.getuid!();

/**
 * What a script writes to its output, run by a user who may not do everything: by nobody where root runs the tests.
 * @param imports statements for what only root may be able to read; run before root is given up
 */
export function unprivileged(imports: string, script: string): string {
  const drop = isRoot ? `process.setgid(${nobody}); process.setuid(${nobody});` : "";
  const child = Bun.spawnSync([process.execPath, "-e", `${imports}\n${drop}\n${script}`]);
  if (child.exitCode !== 0 || child.stderr.length > 0) throw new Error(child.stderr.toString());
  return child.stdout.toString();
}
