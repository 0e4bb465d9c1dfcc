import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { minute } from "../../src/clock";
import { runBinary, startBinary } from "../support/binary";
import { oneFile, sha256 } from "../support/files";
import { seeded, type Random } from "../support/traffic";
import { drillEnv, signIn } from "./api";

export interface FilesDrill {
  kills: number;
  writers: number;
  /** Acknowledged writes before each kill; somewhere between half of it and it. */
  writes: number;
  /** Of what is written, and of when it kills. */
  seed: number;
  /** PostgreSQL's URL; SQLite without. */
  databaseUrl?: string;
}

export interface FilesResult {
  kills: number;
  /** Uploads, moves, deletions and restorations that were answered with success. */
  acknowledged: number;
  /** Bytes without a row that the sweep found after the last kill. */
  swept: number;
  /** What is wrong with rows and bytes. */
  faults: string[];
}

type Headers = Record<string, string>;

/** A file as the server last acknowledged it. */
interface Known {
  id: string;
  checksum: string;
  folder_id: string | null;
  deleted: boolean;
  version: number;
  /** A kill cut a change of it off: it may have been done. */
  isInDoubt?: true;
}

/**
 * Kills the executable with SIGKILL while many upload, move, delete and restore files, some of them with the same bytes. After
 * the last kill and a sweep, every row has its bytes, nothing else is kept, and what was acknowledged is as it was
 * acknowledged.
 */
export async function filesDrill(options: FilesDrill): Promise<FilesResult> {
  const { kills, writers, writes, seed, databaseUrl } = options;
  const folder = mkdtempSync(join(tmpdir(), "neocrm-files-"));
  const dataDir = join(folder, "data");
  const env = { ...drillEnv, ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }) };
  const random = seeded(seed);
  const known = new Map<string, Known>();
  const count = { acknowledged: 0 };
  try {
    let folders: string[] = [];
    for (let kill = 0; kill < kills; kill++) {
      const server = await startBinary({ dataDir, env });
      const headers = await signIn(server.url);
      folders.push(await addFolder(server.url, headers, `Folder ${kill}`));
      const work = Array.from({ length: writers }, (_, writer) =>
        writeUntilKilled({
          url: server.url,
          headers,
          folders,
          random,
          known,
          count,
          name: `${kill}-${writer}`,
        }),
      );
      const enough = count.acknowledged + writes / 2 + random(Math.ceil(writes / 2));
      while (count.acknowledged < enough) await Bun.sleep(1);
      await server.kill();
      await Promise.all(work);
    }
    const server = await startBinary({ dataDir, env });
    // A busy disk takes its time to remove some hundred files, each in a transaction.
    const cli = (...args: string[]) =>
      runBinary([...args, "--data-dir", dataDir], { env, timeoutMs: 5 * minute });
    const sweep = await cli("blobs", "sweep", "--hours", "0");
    if (sweep.code !== 0) throw new Error(`Nothing was swept: ${sweep.out}${sweep.err}`);
    const swept = Number.parseInt(sweep.out, 10);
    const faults = await faultsIn(server.url, await signIn(server.url), known);
    const verified = (await cli("blobs", "verify")).out;
    const [, blobs] = /^(\d+) looked at, \d+ bytes: all as they should be\.$/.exec(verified.trim()) ?? [];
    if (blobs === undefined) faults.push(verified);
    const onDisk = [...new Bun.Glob("*/*").scanSync(join(dataDir, "blobs"))].length;
    if (onDisk !== Number(blobs)) faults.push(`${blobs} rows and ${onDisk} files on disk`);
    await server.stop();
    return { kills, acknowledged: count.acknowledged, swept, faults };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Writing {
  url: string;
  headers: Headers;
  folders: readonly string[];
  random: Random;
  known: Map<string, Known>;
  count: { acknowledged: number };
  name: string;
}

async function writeUntilKilled(writing: Writing): Promise<void> {
  const { random, known, count } = writing;
  const mine: Known[] = [];
  for (let i = 0; ; i++) {
    const file = random(2) === 0 ? mine[random(mine.length + 1)] : undefined;
    try {
      if (file) await change(writing, file);
      else {
        const added = await upload(writing, i);
        mine.push(added);
        known.set(added.id, added);
      }
      count.acknowledged++;
    } catch {
      if (file) file.isInDoubt = true;
      return;
    }
  }
}

/** Half of them have bytes that others have too. */
async function upload({ url, headers, random, name }: Writing, i: number): Promise<Known> {
  const text = random(2) === 0 ? `shared ${random(5)}` : `${name} ${i}`;
  const bytes = text.repeat(1 + random(20_000));
  const form = oneFile(`${name}-${i}.txt`, bytes);
  const answer = await ask(url, "POST", "files/upload", { ...headers, ...form.headers }, form.raw);
  const { id, checksum, folder_id, version } = answer;
  if (checksum !== sha256(bytes)) throw new Error(`${String(id)} came with other bytes`);
  return { id, checksum, folder_id, version, deleted: false } as Known;
}

async function change({ url, headers, folders, random }: Writing, file: Known): Promise<void> {
  if (file.deleted) {
    await ask(url, "POST", `files/${file.id}/restore`, headers);
    file.deleted = false;
  } else if (random(2) === 0) {
    await ask(url, "DELETE", `files/${file.id}`, headers);
    file.deleted = true;
  } else {
    const folder_id = folders[random(folders.length)]!;
    const body = JSON.stringify({ folder_id });
    const { version } = await ask(url, "PATCH", `files/${file.id}`, headers, body);
    file.folder_id = folder_id;
    file.version = version as number;
    return;
  }
  file.version++;
}

const addFolder = async (url: string, headers: Headers, name: string) =>
  (await ask(url, "POST", "folders", headers, JSON.stringify({ name }))).id as string;

async function ask(
  url: string,
  method: string,
  path: string,
  headers: Headers,
  body?: string | Uint8Array<ArrayBuffer>,
): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}/api/${path}`, { method, headers, body });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
}

/** What is not as it was acknowledged, and whose bytes are not those that it names. */
async function faultsIn(url: string, headers: Headers, known: Map<string, Known>): Promise<string[]> {
  const faults: string[] = [];
  for (const file of known.values()) {
    const view = await fetch(`${url}/api/files/${file.id}`, { headers });
    const json = (await view.json()) as Record<string, unknown>;
    if (view.status !== 200 && view.status !== 410) {
      faults.push(`${file.id} is lost: ${view.status}`);
      continue;
    }
    const isAsKnown =
      (view.status === 410) === file.deleted &&
      json["version"] === file.version &&
      (file.deleted || (json["folder_id"] === file.folder_id && json["checksum"] === file.checksum));
    const isOneOn = file.isInDoubt && json["version"] === file.version + 1;
    if (!isAsKnown && !isOneOn)
      faults.push(`${file.id} is ${JSON.stringify(json)}, not ${JSON.stringify(file)}`);
    if (view.status !== 200) continue;
    const bytes = await fetch(`${url}/api/files/${file.id}/download`, { headers });
    if (sha256(await bytes.bytes()) !== file.checksum) faults.push(`${file.id} has other bytes`);
  }
  return faults;
}
