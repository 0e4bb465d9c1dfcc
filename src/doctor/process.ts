import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isServerThere } from "../control/socket";
import { findingsOf, orOk, type Finding, type Patient } from "./finding";

const environment = findingsOf("environment");

/** What the runtime takes from the environment, past every setting. */
export function examineEnvironment({ env }: Patient): Finding[] {
  const found: Finding[] = [];
  for (const name of ["BUN_OPTIONS", "BUN_BE_BUN"]) {
    if (env[name] === undefined) continue;
    const why =
      "The runtime in the executable obeys it: it can load other code, or make the executable another program.";
    found.push(
      environment.fail(`${name} is set.`, why, `Unset it where the server is started: unset ${name}`),
    );
  }
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === "0") {
    const why =
      "Certificates are not checked: anybody on the way can read and change what the database says.";
    const mend = "Unset it, and trust the certificate's authority with NODE_EXTRA_CA_CERTS.";
    found.push(environment.fail("NODE_TLS_REJECT_UNAUTHORIZED is 0.", why, mend));
  }
  return orOk(found, "environment", "Nothing in the environment changes how the program runs.");
}

/** Each connection takes one file; below this a busy server runs out of them. */
const fewFiles = 4_096;
const files = findingsOf("file limit");

/** How many files the running server may have open; without one, how many one started here could. */
export async function examineFileLimit({ loaded }: Patient): Promise<Finding[]> {
  if (process.platform !== "linux") return [];
  const isRunning = await isServerThere(loaded.dataDir);
  const whose = isRunning ? readFileSync(join(loaded.dataDir, "neocrm.pid"), "utf8").trim() : "self";
  const limits = readFileSync(`/proc/${whose}/limits`, "utf8");
  const limit = /^Max open files +(\d+|unlimited)/m.exec(limits)?.[1] ?? "unlimited";
  const who = isRunning ? `The server (process ${whose})` : "A server started here";
  if (limit === "unlimited" || Number(limit) >= fewFiles)
    return [files.ok(`${who} may open ${limit} files.`)];
  const why = "Each connection takes one: when none is left, nobody gets in.";
  const mend =
    "LimitNOFILE=65536 in its systemd unit, --ulimit nofile=65536 for a container, or ulimit -n 65536.";
  return [files.warn(`${who} may open only ${limit} files.`, why, mend)];
}
