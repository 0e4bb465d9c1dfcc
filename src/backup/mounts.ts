import { existsSync, lstatSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";

const mountTable = "/proc/self/mountinfo";

/** Whether something in a folder lies elsewhere, as a mount or behind a link, so that it cannot be renamed with the folder's own. */
export function isElsewhere(folder: string, name: string): boolean {
  const path = join(folder, name);
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats) return false;
  return (
    stats.isSymbolicLink() || stats.dev !== statSync(folder).dev || mountPoints().has(realpathSync(path))
  );
}

/** Where something is mounted; a folder of the same disk, mounted once more, shows nowhere else. */
function mountPoints(): Set<string> {
  if (!existsSync(mountTable)) return new Set();
  const lines = readFileSync(mountTable, "utf8").split("\n");
  return new Set(lines.map((line) => unescaped(line.split(" ")[4] ?? "")));
}

/** Blanks and the like stand there as `\040`. */
const unescaped = (path: string) =>
  path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
