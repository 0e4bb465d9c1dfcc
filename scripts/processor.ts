/** Processors that there are executables for, and how an executable for another one is run here. */
import { closeSync, openSync, readSync } from "node:fs";

/** The processors that there are executables for, as Node names them. */
export const architectures = ["x64", "arm64"] as const;
/** One of them. */
export type Architecture = (typeof architectures)[number];

/** What stands at this place of an executable, by processor: `e_machine` of ELF. */
const machines: Record<number, Architecture> = { 0x3e: "x64", 0xb7: "arm64" };
const machineAt = 18;

/** What an executable is for. @throws Error when it is for none that is known */
export function architectureOf(executable: string): Architecture {
  const bytes = new Uint8Array(2);
  const file = openSync(executable, "r");
  readSync(file, bytes, 0, 2, machineAt);
  closeSync(file);
  const architecture = machines[bytes[0]! | (bytes[1]! << 8)];
  if (!architecture) throw new Error(`${executable} is no executable for ${architectures.join(" or ")}.`);
  return architecture;
}

/** How an executable is run here. */
export interface Runner {
  /** The program that runs it, with nothing for this machine's own processor. */
  emulator: string | undefined;
  /** Where its C library lies: a root of its own. */
  libraries: string;
  loader: string;
}

/** Debian: qemu-user-static and libc6-arm64-cross. */
const arm64: Runner = {
  emulator: "/usr/bin/qemu-aarch64-static",
  libraries: "/usr/aarch64-linux-gnu",
  loader: "/lib/ld-linux-aarch64.so.1",
};
const own: Runner = { emulator: undefined, libraries: "/", loader: "" };

/** How an executable for this processor is run here. @throws Error where that cannot be */
export function runnerOf(architecture: Architecture): Runner {
  if (architecture === process.arch) return own;
  if (architecture === "arm64") return arm64;
  throw new Error(`An executable for ${architecture} cannot be run on ${process.arch}.`);
}

/** The command that runs one from here. */
export function commandFor(executable: string): string[] {
  const { emulator, libraries } = runnerOf(architectureOf(executable));
  return emulator === undefined ? [executable] : [emulator, "-L", libraries, executable];
}
