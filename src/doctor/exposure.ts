import type { Config } from "../config";
import type { ResultOf } from "../control/operations";
import { askServer } from "../control/socket";
import { findingsOf, orOk, type Finding, type Patient } from "./finding";

/** Whether the network reaches what it shall reach, the way it was meant. */
export function examineExposure({ loaded: { config, profile } }: Patient): Finding[] {
  const isOpenToOthers = profile !== "development";
  return [
    ...orOk(
      proxyFindings(config, isOpenToOthers),
      "proxy",
      "HTTPS, proxies and the public address fit together.",
    ),
    ...orOk(
      isOpenToOthers ? accessFindings(config) : [],
      "access",
      `What the profile ${profile} lets in is what it should.`,
    ),
    ...orOk(
      isOpenToOthers ? logFindings(config) : [],
      "log",
      `Level ${config["log.level"]}, format ${config["log.format"]}.`,
    ),
  ];
}

const everywhere = ["0.0.0.0", "::"];
const proxy = findingsOf("proxy");

function proxyFindings(config: Config, isOpenToOthers: boolean): Finding[] {
  const { "server.https": https, "server.trusted_proxies": trusted, "server.public_url": publicUrl } = config;
  const found: Finding[] = [];
  const nameIt = "Name the proxy's address: NEOCRM_SERVER_TRUSTED_PROXIES=127.0.0.1";
  if (https !== "off" && trusted.length === 0) {
    const why =
      "Only a trusted proxy can say that a request came over HTTPS: every request is redirected or refused.";
    found.push(proxy.fail(`server.https is ${https} and no proxy is trusted.`, why, nameIt));
  }
  if (trusted.some((range) => range.endsWith("/0"))) {
    const why = "Anybody can make up their address, and with it pass every limit.";
    found.push(proxy.fail(`server.trusted_proxies trusts everybody (${trusted.join(", ")}).`, why, nameIt));
  }
  if (https === "off" && publicUrl?.startsWith("https:")) {
    const why = "People who type http:// send their password in the clear.";
    const mend = "NEOCRM_SERVER_HTTPS=redirect, with the proxy in server.trusted_proxies.";
    found.push(proxy.warn(`server.public_url is ${publicUrl}, and server.https is off.`, why, mend));
  }
  if (
    https === "off" &&
    isOpenToOthers &&
    trusted.length === 0 &&
    everywhere.includes(config["server.host"])
  ) {
    const why =
      "Straight from the network, passwords go in the clear; behind a proxy that is not trusted, everybody shares one limit.";
    const mend = `Put a proxy with TLS in front and HOST=127.0.0.1. ${nameIt}`;
    found.push(proxy.warn("The server listens on every address, and no proxy is trusted.", why, mend));
  }
  return found;
}

/** Whether the running server gets what looks like a proxy's requests, and does not trust that proxy. */
export async function examineForwarding({ loaded: { dataDir } }: Patient): Promise<Finding[]> {
  const forwarding = findingsOf("forwarding");
  const reply = await askServer(dataDir, "server.untrusted_proxy", {});
  if (!reply) return [forwarding.ok("No server runs that could tell of its proxies.")];
  const address = reply.result as ResultOf<"server.untrusted_proxy">;
  if (address === null) return [forwarding.ok("No request came from a proxy that is not trusted.")];
  const what = `${address} sends X-Forwarded-For, and is no trusted proxy.`;
  const why = "If it is your proxy, all its visitors count as one address and share one limit.";
  return [forwarding.warn(what, why, `If it is: NEOCRM_SERVER_TRUSTED_PROXIES=${address}`)];
}

const access = findingsOf("access");

function accessFindings(config: Config): Finding[] {
  const found: Finding[] = [];
  if (config["cors.origins"].includes("*")) {
    const why = "The pages of every web site may call the API from their visitors' browsers.";
    found.push(
      access.warn(
        'CORS is open to every site ("*").',
        why,
        "Name the sites: CORS_ORIGIN=https://app.example.com",
      ),
    );
  }
  if (config["auth.registration"] === "open") {
    const why = "Whoever finds the server has an account, and sees what the role user sees.";
    found.push(access.warn("Anybody may register.", why, "NEOCRM_AUTH_REGISTRATION=closed"));
  }
  const unlimited = (
    ["limits.ip_per_minute", "limits.auth_per_minute", "limits.user_per_minute"] as const
  ).filter((key) => config[key] === 0);
  if (unlimited.length > 0) {
    const why = "Nothing slows down whoever guesses, or asks without end.";
    found.push(
      access.warn(
        `There is no limit: ${unlimited.join(", ")} is 0.`,
        why,
        "Unset it, or set how many a minute are fine.",
      ),
    );
  }
  return found;
}

const log = findingsOf("log");

function logFindings(config: Config): Finding[] {
  if (config["log.level"] !== "debug") return [];
  return [
    log.warn("log.level is debug.", "The log grows fast, and says more than it needs.", "LOG_LEVEL=info"),
  ];
}
