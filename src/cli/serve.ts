import { monotonic, second } from "../clock";
import { startLogging, flushLogs, log } from "../ops/logging";
import { startServer } from "../server";
import { configOptions, configOptionsHelp, exitCodes, type Command } from "./command";

/** Starts the server and stays until it is told to stop. */
export const serve: Command = {
  name: "serve",
  summary: "start the server",
  help: `neocrm serve [options]

Makes the data directory and its secrets, migrates the database, and serves.
SIGTERM or SIGINT lets what runs finish, then exits; a second one exits at once.

  --host HOST        the address to listen on
  --port PORT        the port to listen on (0: any free one)
${configOptionsHelp}`,
  options: configOptions,
  async run({ load }) {
    const loaded = load();
    const { "log.level": level, "log.format": format } = loaded.config;
    const isPretty = format === "auto" ? process.stdout.isTTY === true : format === "pretty";
    startLogging({ level, format: isPretty ? "pretty" : "json" });
    const stopRequested = untilSignal();
    const server = await startServer(loaded);
    log.info("Stopping", { signal: await stopRequested });
    await server.stop();
    log.info("Stopped");
    flushLogs();
    return exitCodes.done;
  },
};

/** npm passes on a Ctrl-C that the terminal sent to everybody: a second signal so soon is the same one. */
const sameSignalMs = 1 * second;

/** Waits for the signal to stop; one that comes after it ends the process at once. */
function untilSignal(): Promise<string> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    const stop = (signal: string) => {
      if (firstAt === undefined) {
        firstAt = monotonic();
        resolve(signal);
      } else if (monotonic() - firstAt > sameSignalMs) {
        flushLogs();
        process.exit(exitCodes.failed);
      }
    };
    process.on("SIGTERM", stop);
    process.on("SIGINT", stop);
  });
}
