import type { Finding } from "../doctor";
import { configOptions, configOptionsHelp, exitCodes, type Command } from "./command";

/** Finds the usual mistakes and says how to mend each. */
export const doctor: Command = {
  name: "doctor",
  summary: "find the usual mistakes, and say how to mend each",
  help: `neocrm doctor [options]

Looks at the settings, the data directory, secrets, the database, the clock and the running server, and
changes nothing. Run it as the server's user, with the server's settings. Exits 1 when something fails.

  --json             the findings as JSON, for scripts
  --host HOST, --port PORT   where the server listens
${configOptionsHelp}`,
  options: { ...configOptions, json: { type: "boolean" } },
  async run({ terminal, env, options, read }) {
    const { examine } = await import("../doctor");
    const findings = await examine({ ...read(), env });
    const failures = findings.filter(({ level }) => level === "fail").length;
    const warnings = findings.filter(({ level }) => level === "warn").length;
    if (options["json"]) terminal.out(JSON.stringify({ failures, warnings, findings }, null, 2));
    else terminal.out([...findings.map(written), "", summary(failures, warnings)].join("\n"));
    return failures === 0 ? exitCodes.done : exitCodes.failed;
  },
};

const width = 16;

/** One finding: what it is on one line, why and how to mend it below. */
function written({ level, check, what, why, mend }: Finding): string {
  const indent = " ".repeat(6 + width);
  const more = why === null ? [] : [`${indent}why:  ${why}`, `${indent}mend: ${mend}`];
  return [`${level.padEnd(6)}${check.padEnd(width)}${what}`, ...more].join("\n");
}

function summary(failures: number, warnings: number): string {
  if (failures + warnings === 0) return "All is well.";
  const counted = (count: number, one: string) => `${count} ${one}${count === 1 ? "" : "s"}`;
  return `${counted(failures, "failure")}, ${counted(warnings, "warning")}.`;
}
