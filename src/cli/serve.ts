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
    const stopRequested = nextSignal();
    const server = await startServer(loaded);
    log.info("Stopping", { signal: await stopRequested });
    void nextSignal().then(() => process.exit(exitCodes.failed));
    await server.stop();
    log.info("Stopped");
    flushLogs();
    return exitCodes.done;
  },
};

function nextSignal(): Promise<string> {
  return new Promise((resolve) => {
    const stop = (signal: string) => {
      process.off("SIGTERM", stop);
      process.off("SIGINT", stop);
      resolve(signal);
    };
    process.on("SIGTERM", stop);
    process.on("SIGINT", stop);
  });
}
