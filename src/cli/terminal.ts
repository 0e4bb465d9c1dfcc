import { createInterface } from "node:readline";

/** Where a command reads and writes. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** Shows how far something is, in the place of what it showed before; `""` ends that. Only to people. */
  status(text: string): void;
  /** Everything on standard input. */
  readAll(): Promise<string>;
  /** Whether a person sits there to be asked. */
  readonly isInteractive: boolean;
  /** Asks without showing what is typed; `undefined` when it is aborted. */
  askSecret(question: string): Promise<string | undefined>;
}

/** The process's own terminal. */
export const processTerminal: Terminal = {
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
  status(text) {
    if (process.stderr.isTTY) process.stderr.write(`\r${text}\x1b[K`);
  },
  readAll: () => Bun.stdin.text(),
  get isInteractive() {
    return process.stdin.isTTY === true && process.stderr.isTTY === true;
  },
  askSecret(question) {
    process.stderr.write(question);
    const input = createInterface({ input: process.stdin, terminal: true, historySize: 0 });
    // Readline echoes through its output; without one, nothing of a password shows.
    return new Promise((resolve) => {
      let answer: string | undefined;
      input.once("line", (line) => {
        answer = line;
        input.close();
      });
      input.once("close", () => {
        process.stderr.write("\n");
        resolve(answer);
      });
      input.once("SIGINT", () => input.close());
    });
  },
};
