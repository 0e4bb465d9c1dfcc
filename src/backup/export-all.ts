import { asc, gt, inArray } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import { existsSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { version } from "../build";
import { isoTime, now } from "../clock";
import { joinTags } from "../csv/tags";
import { cellOf, lineOf } from "../csv/write";
import type { Session } from "../db/store";
import type { ReadBlob } from "./blob-copy";
import { writeWhole } from "./durable";
import { columnsOf, exported, presented, type Exported, type ExportedTable } from "./exported-tables";
import { BackupFailed, explained } from "./failed";
import { FilePlaces } from "./file-places";

/** What is exported. */
export interface ExportSource {
  /** Gives `work` a view of the database that stays as it is at one instant. */
  atOneInstant<Result>(work: (session: Session) => Promise<Result>): Promise<Result>;
  readBlob: ReadBlob;
  /** Sees to it that no bytes are removed as long as `work` runs. */
  holdBlobs<Result>(work: () => Promise<Result>): Promise<Result>;
}

/** What was exported. */
export interface ExportedAll {
  /** How many records of each kind. */
  records: Record<string, number>;
  /** Files whose bytes were written, and the SHA-256 of those that were not there. */
  files: number;
  missing: string[];
}

/** Records that are read at once. */
const page = 500;

/**
 * Writes everything that people put in, as of one instant, in formats that other programs read: `<records>.ndjson` and
 * `.csv` for each kind, and the bytes of files under their names in `files/`. Passwords, tokens and secrets are not among it.
 * @param to a folder that is empty or not there yet
 * @throws BackupFailed when it cannot be written
 */
export async function exportAll(source: ExportSource, to: string): Promise<ExportedAll> {
  try {
    await mkdir(to, { recursive: true, mode: 0o700 });
    if ((await readdir(to)).length > 0)
      throw new BackupFailed(`${to} is not empty. Name a folder that is, or that is not there yet.`);
    return await source.holdBlobs(() => source.atOneInstant((session) => writeAll(session, source, to)));
  } catch (error) {
    throw explained(`Nothing whole could be exported to ${to}`, error);
  }
}

async function writeAll(session: Session, { readBlob }: ExportSource, to: string): Promise<ExportedAll> {
  const result: ExportedAll = { records: {}, files: 0, missing: [] };
  const exported_at = isoTime(now());
  const places = new FilePlaces();
  for (const name of Object.keys(exported) as ExportedTable[]) {
    result.records[name] = await writeTable(session, name, to, async (rows) => {
      if (name === "folders") places.know(rows);
      return name === "files" ? rows.map((row) => ({ ...row, path: places.placeOf(row) })) : rows;
    });
  }
  for await (const row of filesIn(session)) {
    const isThere = await writeFile(row, readBlob, join(to, places.placeOf(row)));
    if (isThere) result.files++;
    else result.missing.push(row.checksum);
  }
  const about = { neocrm: version, exported_at, ...result };
  await writeWhole(join(to, "export.json"), `${JSON.stringify(about, null, 2)}\n`);
  return result;
}

/** Gives pages of rows what they get besides their columns. */
type Complete = (rows: Exported[]) => Promise<Exported[]>;

async function writeTable(
  session: Session,
  name: ExportedTable,
  to: string,
  complete: Complete,
): Promise<number> {
  const [lines, cells] = [
    Bun.file(join(to, `${name}.ndjson`)).writer(),
    Bun.file(join(to, `${name}.csv`)).writer(),
  ];
  const columns = [...Object.keys(columnsOf(session.t, name)), ...(name === "files" ? ["path"] : [])];
  let count = 0;
  try {
    void cells.write(lineOf(columns));
    for await (const rows of pagesOf(session, name)) {
      const records = (await complete(rows)).map(presented);
      for (const record of records) {
        void lines.write(`${JSON.stringify(record)}\n`);
        void cells.write(`${columns.map((column) => cell(record[column])).join()}\r\n`);
      }
      count += records.length;
      await lines.flush();
      await cells.flush();
    }
  } finally {
    await lines.end();
    await cells.end();
  }
  return count;
}

/** As in an export over HTTP: null is no value, tags share a cell, and no cell is a formula. */
const cell = (value: unknown): string => {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return cellOf(joinTags(value as string[]));
  return cellOf(typeof value === "string" ? value : JSON.stringify(value));
};

async function* pagesOf(session: Session, name: ExportedTable): AsyncGenerator<Exported[]> {
  const table = session.t[name] as PgTable & Pick<Session["t"]["clients"], "id">;
  const columns = columnsOf(session.t, name);
  for (let after: string | undefined; ;) {
    const rows: Exported[] = await session.q
      .select(columns)
      .from(table)
      .where(after === undefined ? undefined : gt(table.id, after))
      .orderBy(asc(table.id))
      .limit(page);
    if (rows.length > 0) yield rows;
    if (rows.length < page) return;
    after = String(rows.at(-1)!["id"]);
    // On SQLite, nothing of this waits, and others want their turn.
    await setImmediate();
  }
}

/** A file, and where its bytes are. */
interface FileRow extends Exported {
  checksum: string;
  key: string;
  size: number;
}

async function* filesIn(session: Session): AsyncGenerator<FileRow> {
  const { t, q } = session;
  for await (const rows of pagesOf(session, "files")) {
    const hashes = [...new Set(rows.map(({ checksum }) => String(checksum)))];
    const { hash, key, size } = t.blobs;
    const found = await q.select({ hash, key, size }).from(t.blobs).where(inArray(hash, hashes));
    const blobs = new Map(found.map((blob) => [blob.hash, blob]));
    for (const row of rows) yield { ...row, ...blobs.get(String(row["checksum"]))! } as never;
  }
}

/** @returns whether the bytes were there */
async function writeFile({ checksum, key, size }: FileRow, read: ReadBlob, path: string): Promise<boolean> {
  const body = await read({ hash: checksum, key, size });
  if (!body) return false;
  if (!existsSync(dirname(path))) await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await (body instanceof Blob ? Bun.write(path, body) : Bun.write(path, new Response(body)));
  return true;
}
