import "./config/node-env";

// Only now: what an import shares with others is in the executable a file of its own, read before whoever imports it runs.
const [{ runCli }, { processTerminal }, { processEnvironment }] = await Promise.all([
  import("./cli"),
  import("./cli/terminal"),
  import("./config/environment"),
]);

const code = await runCli(process.argv.slice(2), { terminal: processTerminal, ...processEnvironment() });
// A pipe takes 64 KB at a time, and leaving throws away what waits for its reader.
for (const stream of [process.stdout, process.stderr]) {
  await new Promise<void>((resolve) => stream.end(() => resolve()));
}
process.exit(code);
