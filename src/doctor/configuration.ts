import { findingsOf, orOk, type Finding, type Patient } from "./finding";

const check = "configuration";
const { warn, fail } = findingsOf(check);

/** Whether the settings can be read, and mean what was meant. */
export function examineConfiguration({ loaded, problems }: Patient): Finding[] {
  const found = [
    ...problems.map((problem) =>
      fail(
        problem,
        "The server does not start with it; the other checks leave it out.",
        "Set what is expected, or unset it.",
      ),
    ),
    ...loaded.strangers.map((stranger) =>
      warn(`Not a setting: ${stranger}`, "It changes nothing.", "Correct its name, or unset it."),
    ),
  ];
  return orOk(
    found,
    check,
    `Profile ${loaded.profile}; every setting is understood (neocrm config print lists them).`,
  );
}
