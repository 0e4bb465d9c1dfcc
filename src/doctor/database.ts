import { existsSync } from "node:fs";
import { lookup } from "node:dns/promises";
import { now, second } from "../clock";
import { openToLook } from "../db/look";
import { databaseFile } from "../backup/database-files";
import { openMigrator } from "../migrator";
import { clockFindings } from "./clock";
import { findingsOf, type Finding, type Patient } from "./finding";

const { ok, fail } = findingsOf("database");
const noTable = /no such table|does not exist/;

/** What a database says about the time: milliseconds, `null` where it has nothing to say. */
export interface DatabaseTimes {
  newestEvent: number | null;
  /** How far its own clock is ahead of ours. */
  ahead: number | null;
}

/** Whether the database answers, fits this program, and agrees about the time. */
export async function examineDatabase(patient: Patient): Promise<Finding[]> {
  const { config, dataDir } = patient.loaded;
  const url = config["database.url"];
  const nothing: DatabaseTimes = { newestEvent: null, ahead: null };
  if (url === null && !existsSync(databaseFile(dataDir))) {
    return [ok("SQLite; the file is made on the first start."), ...clockFindings(nothing)];
  }
  try {
    const times = url === null ? lookAtFile(databaseFile(dataDir)) : await askServer(url);
    const where = url === null ? `SQLite in ${databaseFile(dataDir)}` : `PostgreSQL at ${whereIs(url)}`;
    return [ok(`${where} answers.`), ...(await migrationFindings(patient)), ...clockFindings(times)];
  } catch (error) {
    const failure = url === null ? brokenFile(databaseFile(dataDir), error) : await unreachable(url, error);
    return [failure, ...clockFindings(nothing)];
  }
}

/** Ids grow with time: the last one is the newest, without a scan. */
const newestEvent = "SELECT created_at FROM events ORDER BY id DESC LIMIT 1";

function lookAtFile(file: string): DatabaseTimes {
  const db = openToLook(file);
  try {
    db.query("SELECT count(*) FROM sqlite_schema").get();
    if (!db.query("SELECT 1 FROM sqlite_schema WHERE name = 'events'").get())
      return { newestEvent: null, ahead: null };
    const row = db.query<{ created_at: number }, []>(newestEvent).get();
    return { newestEvent: row?.created_at ?? null, ahead: null };
  } finally {
    db.close();
  }
}

const patienceSeconds = 5;

async function askServer(url: string): Promise<DatabaseTimes> {
  const client = new Bun.SQL({ url, max: 1, connectionTimeout: patienceSeconds });
  try {
    await client`SELECT 1`;
    const asked = now();
    const [{ clock }] = await client`SELECT extract(epoch FROM clock_timestamp()) * ${second}::int AS clock`;
    const ahead = Number(clock) - (asked + now()) / 2;
    const rows: { created_at: string }[] = await client.unsafe(newestEvent).catch((error: Error) => {
      if (noTable.test(error.message)) return [];
      throw error;
    });
    return { newestEvent: rows[0] ? Number(rows[0].created_at) : null, ahead };
  } finally {
    await client.close();
  }
}

async function migrationFindings({ loaded: { config, dataDir } }: Patient): Promise<Finding[]> {
  const migrations = findingsOf("migrations");
  const { applied, pending, unknown } = await (await openMigrator(config, dataDir)).status();
  if (unknown.length > 0) {
    const why = "This program would misread what it finds, and refuses to start on it.";
    const mend = "Start the newer neocrm, or restore a snapshot from before the upgrade (backups/).";
    return [
      migrations.fail(`The database belongs to a newer neocrm: it has ${unknown.join(", ")}.`, why, mend),
    ];
  }
  if (pending.length > 0) {
    const why = "The structure is that of an older neocrm.";
    return [
      migrations.warn(
        `Missing: ${pending.join(", ")}.`,
        why,
        "Start the server, which applies them, or neocrm migrate up.",
      ),
    ];
  }
  return [migrations.ok(`All ${applied.length} are applied.`)];
}

function brokenFile(file: string, error: unknown): Finding {
  const { message } = error as Error;
  const mend = `Put back a backup (docs: Back up); if others own the file, sudo chown it. Keep ${file} for whoever may repair it.`;
  return fail(`${file} cannot be read: ${message}.`, "The server does not start without it.", mend);
}

/** Where a database is, without who may enter. */
function whereIs(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname}:${port || 5432}${pathname}`;
}

async function unreachable(url: string, error: unknown): Promise<Finding> {
  const [reason, mend] = await reasonOf(url, error);
  const why = "Without it the server does not start, and one that runs answers 503.";
  return fail(`PostgreSQL at ${whereIs(url)}: ${reason}.`, why, mend);
}

/** What PostgreSQL calls each failure, and what helps. */
const reasons: Record<string, [reason: string, mend: string]> = {
  "3D000": [
    "there is no such database",
    "Make it (createdb), or correct the name at the end of DATABASE_URL.",
  ],
  "28P01": ["the password is wrong", "Correct it in DATABASE_URL; escape / @ : # in it (%2F %40 %3A %23)."],
  "28000": [
    "it does not let this user in",
    "Correct the user in DATABASE_URL, or let them in (pg_hba.conf, CREATE ROLE).",
  ],
  "53300": [
    "it takes no further connection",
    "Raise its max_connections, or lower NEOCRM_DATABASE_CONNECTIONS.",
  ],
  "57P03": ["it is starting or stopping", "Wait a moment, and look at its own log."],
};

async function reasonOf(url: string, error: unknown): Promise<[reason: string, mend: string]> {
  const { code = "", errno, message } = error as { code?: string; errno?: string; message: string };
  const known = reasons[String(errno)];
  if (known) return known;
  const { hostname, port } = new URL(url);
  const isAddress = await lookup(hostname.replace(/^\[|\]$/g, "")).then(
    () => true,
    () => false,
  );
  if (!isAddress)
    return ["its name is not known", `Correct the host in DATABASE_URL: nothing is known of ${hostname}.`];
  if (code === "ERR_POSTGRES_CONNECTION_REFUSED")
    return [
      "nothing listens there",
      `Start it, let it listen on port ${port || 5432}, or correct DATABASE_URL.`,
    ];
  if (/TIMEOUT/.test(code))
    return [
      `no answer within ${patienceSeconds} s`,
      "Look for a firewall in between, or a wrong address in DATABASE_URL.",
    ];
  return [message, "Correct DATABASE_URL, or look at PostgreSQL's own log."];
}
