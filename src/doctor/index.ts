import { examineBackups } from "./backups";
import { examineConfiguration } from "./configuration";
import { examineDataDirectory, examineDisk } from "./data-directory";
import { examineDatabase } from "./database";
import { examineExposure, examineForwarding } from "./exposure";
import { findingsOf, type Examination, type Finding, type Patient } from "./finding";
import { examineEnvironment, examineFileLimit } from "./process";
import { examineSecrets } from "./secrets";
import { examineServer } from "./server";

export type { Finding, Patient };

const examinations: Record<string, Examination> = {
  configuration: examineConfiguration,
  environment: examineEnvironment,
  "data directory": examineDataDirectory,
  disk: examineDisk,
  secrets: examineSecrets,
  exposure: examineExposure,
  forwarding: examineForwarding,
  database: examineDatabase,
  backups: examineBackups,
  server: examineServer,
  "file limit": examineFileLimit,
};

/** Looks at everything. What breaks one examination hides no other. */
export async function examine(patient: Patient): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const [name, look] of Object.entries(examinations))
    found.push(...(await findings(name, look, patient)));
  return found;
}

async function findings(name: string, look: Examination, patient: Patient): Promise<Finding[]> {
  try {
    return await look(patient);
  } catch (error) {
    const what = `Could not be looked at: ${(error as Error).message}`;
    const why = "Whatever is wrong there stays unknown.";
    return [findingsOf(name).fail(what, why, "Remove what the message names, and run neocrm doctor again.")];
  }
}
