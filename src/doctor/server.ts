import { second } from "../clock";
import { localUrl } from "../control/local-url";
import { isServerThere } from "../control/socket";
import type { HealthReport } from "../ops/health";
import { findingsOf, type Finding, type Patient } from "./finding";

const { ok, warn, fail } = findingsOf("server");

/** Whether a server runs on this data, answers where it should, and is well. */
export async function examineServer({ loaded: { config, dataDir } }: Patient): Promise<Finding[]> {
  const url = localUrl(config);
  const [isThere, answer] = await Promise.all([isServerThere(dataDir), healthAt(url)]);
  if (isThere && answer === "silent") {
    const why = "It was started with another host or port, or it hangs.";
    return [
      fail(
        `A server holds ${dataDir}, and nothing answers at ${url}.`,
        why,
        "Run neocrm doctor with the settings of the server, or restart it.",
      ),
    ];
  }
  if (isThere && answer === "strange") {
    const why = "People reach that one.";
    return [
      fail(
        `A server holds ${dataDir}, and another program answers at ${url}.`,
        why,
        "Run neocrm doctor with the settings of the server.",
      ),
    ];
  }
  if (isThere && typeof answer === "object") return [healthFinding(url, answer)];
  if (answer === "silent") return [ok(`None runs on ${dataDir}.`)];
  const what = `None runs on ${dataDir}, and ${answer === "strange" ? "another program" : "another neocrm"} answers at ${url}.`;
  return [
    warn(
      what,
      "A server cannot start there.",
      "Stop that one, choose another --port, or name its --data-dir.",
    ),
  ];
}

/** What answers: the health of a neocrm, something else, or nothing. */
async function healthAt(url: string): Promise<HealthReport | "strange" | "silent"> {
  try {
    const response = await fetch(`${url}/health`, {
      signal: AbortSignal.timeout(5 * second),
      redirect: "manual",
    });
    const report = (await response.json().catch(() => null)) as HealthReport | null;
    return report?.checks?.database ? report : "strange";
  } catch {
    return "silent";
  }
}

function healthFinding(url: string, { status, checks }: HealthReport): Finding {
  if (status === "ok") return ok(`It answers at ${url} and is well.`);
  const details = Object.entries(checks).flatMap(([name, { detail }]) =>
    detail === null ? [] : [`${name}: ${detail}`],
  );
  const what = `It answers at ${url} and is ${status}. ${details.join(" ")}`;
  const mend = "Mend what it names; its log says more.";
  return status === "down"
    ? fail(what, "Requests are refused.", mend)
    : warn(what, "It works, and soon may not.", mend);
}
