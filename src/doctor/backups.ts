import { existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { databaseFile } from "../backup/database-files";
import { day, hour, isoTime, now } from "../clock";
import { openToLook } from "../db/look";
import { successMark } from "../features/backups/store";
import { findingsOf, orOk, type Finding, type Patient } from "./finding";

const check = "backups";
const { ok, warn } = findingsOf(check);

/** A backup a day is made once a day, and takes its time. */
const tooOld = day + 2 * hour;

/** Whether there are backups, recent ones, and not on the disk whose end they are for. */
export async function examineBackups({ loaded: { config, dataDir } }: Patient): Promise<Finding[]> {
  const { "database.url": url, "backup.dir": dir } = config;
  if (url === null && !existsSync(databaseFile(dataDir))) return [ok("There is nothing to back up yet.")];
  const { last, since } = url === null ? timesInFile(databaseFile(dataDir)) : await timesOnServer(url);
  if (last === null && now() - (since ?? now()) < tooOld) return [ok("The data is new: none is due yet.")];
  const found = ageFindings(last, dir);
  const isDataHere = url === null || config["s3.endpoint"] === null;
  if (dir !== null && isDataHere && isOnOneDisk(resolve(dir), dataDir)) {
    const why = "When that disk breaks, or somebody empties it, the data and its backups are gone together.";
    found.push(
      warn(
        `${resolve(dir)} is on the disk of the data directory.`,
        why,
        "Let backup.dir be on another disk or machine, or copy it there.",
      ),
    );
  }
  return orOk(found, check, `The last one is of ${isoTime(last ?? 0)}.`);
}

function ageFindings(last: number | null, dir: string | null): Finding[] {
  if (last === null) {
    const why = "What is on this disk is all there is.";
    const mend =
      dir === null ? "Set backup.dir, or let cron run neocrm backup --to DIR." : "Start the server.";
    return [warn("Nothing was ever backed up.", why, mend)];
  }
  if (now() - last <= tooOld) return [];
  const mend =
    dir === null
      ? "Set backup.dir, or look at what runs neocrm backup --to DIR."
      : "The job says why it fails: GET /api/admin/jobs?filter[kind]=backup, and so does the log.";
  return [warn(`The last backup is of ${isoTime(last)}.`, "What happened since is nowhere else.", mend)];
}

/** When the last backup was made, and since when there is a database: milliseconds since 1970. */
interface Times {
  last: number | null;
  since: number | null;
}

const asked = `SELECT (SELECT next_at FROM schedules WHERE name = '${successMark}') AS last,
  (SELECT min(applied_at) FROM _migrations) AS since`;

function timesInFile(file: string): Times {
  const db = openToLook(file);
  try {
    return db.query<Times, []>(asked).get()!;
  } finally {
    db.close();
  }
}

const patienceSeconds = 5;

async function timesOnServer(url: string): Promise<Times> {
  const client = new Bun.SQL({ url, max: 1, connectionTimeout: patienceSeconds });
  try {
    const [row] = (await client.unsafe(asked)) as { last: string | null; since: string | null }[];
    const number = (text: string | null) => (text === null ? null : Number(text));
    return { last: number(row!.last), since: number(row!.since) };
  } finally {
    await client.close();
  }
}

/** A folder that is not there yet will be where its parent is. */
function isOnOneDisk(dir: string, dataDir: string): boolean {
  const deviceOf = (path: string): number =>
    statSync(path, { throwIfNoEntry: false })?.dev ?? deviceOf(dirname(path));
  return deviceOf(dir) === deviceOf(dataDir);
}
