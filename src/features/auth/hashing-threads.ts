import { readdirSync, readFileSync } from "node:fs";
import { getPriority, setPriority } from "node:os";

/**
 * How much the threads that hash stand back, on Linux's scale up to 19: while requests keep a core busy, hashing on that core
 * gets a quarter of it.
 */
const stepBack = 5;
const threads = "/proc/self/task";
const known = new Set<string>();

/**
 * Lets the threads that hash passwords, which are the runtime's pool, stand back where requests want the same core. On Linux
 * each thread has a priority of its own (sched(7)); elsewhere nothing happens. The pool grows when it is used, so this is
 * called with every hash.
 */
export function letRequestsGoFirst(): void {
  if (process.platform !== "linux") return;
  try {
    for (const thread of readdirSync(threads)) {
      if (known.has(thread)) continue;
      known.add(thread);
      const name = readFileSync(`${threads}/${thread}/comm`, "utf8");
      if (name.startsWith("Bun Pool")) setPriority(Number(thread), Math.min(19, getPriority() + stepBack));
    }
  } catch {
    // Without /proc, or where a sandbox forbids it, everything has the same priority.
  }
}
