import { resolve } from "node:path";
import { hour, monotonic, second } from "../clock";
import type { Config, LoadedConfig } from "../config";
import { ConfigError } from "../config/error";
import { logModules, type LogModule } from "../ops/log-modules";
import { startLogging, flushLogs, log, type LoggingOptions } from "../ops/logging";
import { startServer, type RunningServer } from "../server";
import { configOptions, configOptionsHelp, exitCodes, type Command } from "./command";

/** Starts the server and stays until it is told to stop. */
export const serve: Command = {
  name: "serve",
  summary: "start the server",
  help: `neocrm serve [options]

Makes the data directory and its secrets, migrates the database, and serves.
SIGTERM or SIGINT lets what runs finish, then exits; a second one exits at once.
SIGHUP reads files and secrets anew, and opens the log anew; the log says what changed.

  --host HOST        the address to listen on
  --port PORT        the port to listen on (0: any free one)
${configOptionsHelp}`,
  options: configOptions,
  async run({ load, cwd }) {
    const loaded = load();
    logAs(loaded.config, cwd);
    const stopRequested = untilSignal();
    let running = loaded.config;
    let server: RunningServer | undefined;
    onHangUp(() => {
      // Whoever put the log aside wants another one in any case.
      logAs(running, cwd);
      if (server) running = reload(server, load, cwd) ?? running;
      else log.warn("The configuration was not read anew: the server is still starting");
    });
    server = await startServer(loaded);
    log.info("Stopping", { signal: await stopRequested });
    await server.stop();
    log.info("Stopped");
    flushLogs();
    return exitCodes.done;
  },
};

/** @throws ConfigError when the log's file cannot be opened; the log then goes on as before */
function logAs(config: Config, cwd: string): void {
  const { "log.level": level, "log.format": format, "log.file": file } = config;
  const isPretty = format === "auto" ? file === null && process.stdout.isTTY === true : format === "pretty";
  const modules = Object.keys(logModules) as LogModule[];
  const levels = Object.fromEntries(
    modules.map((module) => [module, config[`log.levels.${module}`] ?? level]),
  );
  try {
    startLogging({
      ...{ level, levels, format: isPretty ? "pretty" : "json" },
      ...(file !== null && { file: logFile(config, resolve(cwd, file)) }),
    });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new ConfigError([`log.file = ${JSON.stringify(file)}: cannot be written (${code ?? message})`]);
  }
}

const logFile = (config: Config, path: string): LoggingOptions["file"] => ({
  path,
  maxSize: config["log.rotate_size"],
  maxAge: config["log.rotate_hours"] * hour,
  keep: config["log.keep"],
});

/**
 * Goes on with the configuration as it is written now. One that cannot be used changes nothing.
 * @returns what is in force from then on; nothing when it is what was before
 */
function reload(server: RunningServer, load: () => LoadedConfig, cwd: string): Config | undefined {
  try {
    const fresh = load();
    const { config, changed, waiting, apply } = server.reload(fresh);
    logAs(config, cwd);
    apply();
    server.parts.metrics.reloaded(true);
    log.info("The configuration was read anew", { changed });
    if (waiting.length > 0) log.warn("Some settings count after a restart only", { settings: waiting });
    return config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    server.parts.metrics.reloaded(false);
    log.error("The configuration cannot be used; the one before goes on", { problems: error.problems });
    return undefined;
  }
}

/** On a terminal, SIGHUP says that it was closed: nobody could stop the server any more. */
function onHangUp(act: () => void): void {
  process.on("SIGHUP", () => {
    if (process.stdout.isTTY) process.kill(process.pid, "SIGTERM");
    else act();
  });
}

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
