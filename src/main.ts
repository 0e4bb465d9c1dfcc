import "./config/node-env";
import { runCli } from "./cli";
import { processTerminal } from "./cli/terminal";
import { processEnvironment } from "./config/environment";

const code = await runCli(process.argv.slice(2), { terminal: processTerminal, ...processEnvironment() });
// A pipe takes 64 KB at a time, and leaving throws away what waits for its reader.
for (const stream of [process.stdout, process.stderr]) {
  await new Promise<void>((resolve) => stream.end(() => resolve()));
}
process.exit(code);
