import "./config/node-env";
import { runCli } from "./cli";
import { processTerminal } from "./cli/terminal";
import { processEnvironment } from "./config/environment";

process.exit(await runCli(process.argv.slice(2), { terminal: processTerminal, ...processEnvironment() }));
