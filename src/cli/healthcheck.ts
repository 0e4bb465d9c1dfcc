import { second } from "../clock";
import { localUrl } from "../control/local-url";
import { configOptions, exitCodes, type Command } from "./command";

/** Asks a running server whether it is ready, for containers and scripts. */
export const healthcheck: Command = {
  name: "healthcheck",
  summary: "ask the running server whether it is ready",
  help: `neocrm healthcheck [--host HOST] [--port PORT]

Exits 0 when the server on this machine answers that it is ready, else 1.`,
  options: configOptions,
  async run({ terminal, load }) {
    const { config } = load();
    const url = `${localUrl(config)}/health/ready`;
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(5 * second), redirect: "manual" });
      if (response.ok) {
        terminal.out("ready");
        return exitCodes.done;
      }
      terminal.err(`not ready: ${url} answered ${response.status}`);
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      const why = code === "ECONNREFUSED" || code === "ConnectionRefused" ? "nothing listens there" : message;
      terminal.err(`not ready: ${url} does not answer (${why})`);
    }
    return exitCodes.failed;
  },
};
