import type { Config } from "../config";

/** Where this machine reaches the server that has this configuration. */
export const localUrl = (config: Config) =>
  `http://${localHost(config["server.host"])}:${config["server.port"]}`;

/** Whoever listens on every address listens on the loopback too. */
function localHost(host: string) {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}
