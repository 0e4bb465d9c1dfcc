import { runCli } from "../../src/cli";
import type { ExitCode } from "../../src/cli/command";
import type { Terminal } from "../../src/cli/terminal";

/** What a command left behind. */
export interface Ran {
  code: ExitCode;
  out: string;
  err: string;
  /** How far it said it was, as a person at a terminal sees it. */
  shown: string[];
}

export interface Typed {
  /** What stands on standard input. */
  stdin?: string;
  /** What a person types when asked, one after the other; `undefined` is Ctrl-C. */
  answers?: (string | undefined)[];
  env?: Record<string, string>;
  cwd?: string;
}

/** Runs `neocrm` in this process, with a terminal that keeps what it is told. */
export async function neocrm(
  args: string[],
  { stdin = "", answers, env = {}, cwd = "/" }: Typed = {},
): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const shown: string[] = [];
  const left = [...(answers ?? [])];
  const terminal: Terminal = {
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
    status: (text) => void shown.push(text),
    readAll: async () => stdin,
    isInteractive: answers !== undefined,
    async askSecret(question) {
      err.push(question);
      return left.shift();
    },
  };
  const code = await runCli(args, { terminal, env, cwd });
  return { code, out: out.join("\n"), err: err.join("\n"), shown };
}
