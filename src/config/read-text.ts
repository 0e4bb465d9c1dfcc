import { accessSync, constants, readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, resolve } from "node:path";

/** The text of a file of the configuration, or what is wrong with it and how to mend that; `undefined` where there is none. */
export type ReadText = { text: string } | { problem: string } | undefined;

/** Reads a file that somebody named. */
export function readNamed(path: string): Exclude<ReadText, undefined> {
  return read(path) ?? { problem: `${path}: cannot be read (ENOENT)` };
}

/** Reads a file that counts where it is there: nobody named it, so that another working directory mends it, too. */
export function readIfThere(path: string): ReadText {
  return read(path, " Or start in another directory (cd /): only the config/ of the current one counts.");
}

function read(path: string, otherwise = ""): ReadText {
  try {
    return { text: readFileSync(path, "utf8") };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    if (code !== "EACCES") return { problem: `${path}: cannot be read (${code ?? message})` };
    return { problem: `${path}: cannot be read (EACCES): ${refused(path)}${otherwise}` };
  }
}

/** Who may not do what, and what lets them. */
function refused(path: string): string {
  const closed = foldersAbove(path).find((folder) => !isAllowed(folder, constants.X_OK));
  const [place, what, right] = closed === undefined ? [path, "read", "r"] : [closed, "look into", "x"];
  return (
    `${whoRuns()} may not ${what} ${place}. ` +
    `Its owner can let them: chgrp to a group of theirs, and chmod g+${right} ${place}.`
  );
}

/** From the root of the file system downwards: the first one that is closed is why. */
function foldersAbove(path: string): string[] {
  const folder = dirname(resolve(path));
  return folder === "/" ? ["/"] : [...foldersAbove(folder), folder];
}

function isAllowed(path: string, how: number): boolean {
  try {
    accessSync(path, how);
    return true;
  } catch {
    return false;
  }
}

/** A container's user often has a number and no name. */
function whoRuns(): string {
  try {
    return `the user ${userInfo().username}`;
  } catch {
    return `the user with the id ${process.getuid?.()}`;
  }
}
