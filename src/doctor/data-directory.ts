import { accessSync, constants, existsSync, statfsSync, statSync, type Stats } from "node:fs";
import { dirname, join } from "node:path";
import { lastDiskBytes, lowDiskBytes } from "../ops/health";
import { findingsOf, orOk, type Finding, type Patient } from "./finding";

const check = "data directory";
const { warn, fail } = findingsOf(check);

/** Whether the data directory is there, the server's own, and nobody else's. */
export function examineDataDirectory({ loaded: { dataDir } }: Patient): Finding[] {
  const stats = statSync(dataDir, { throwIfNoEntry: false });
  if (!stats) return [missing(dataDir)];
  if (!stats.isDirectory()) {
    return [
      fail(
        `${dataDir} is no directory.`,
        "Nothing can be kept in it.",
        "Name another one with --data-dir or DATA_DIR.",
      ),
    ];
  }
  const found = [...openness(dataDir, stats), ...ownership(dataDir, stats), ...writability(dataDir)];
  for (const name of ["neocrm.db", "neocrm.db-wal", "neocrm.db-shm", "secrets", "backups"]) {
    const path = join(dataDir, name);
    const inside = statsOf(path);
    if (inside) found.push(...openness(path, inside), ...strangerInside(path, inside, stats));
  }
  return orOk(found, check, `${dataDir} is private and can be written.`);
}

/** Nothing where there is nothing, or where a closed directory, which is found anyway, hides it. */
function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EACCES") return undefined;
    throw error;
  }
}

function missing(dataDir: string): Finding {
  const parent = nearestParent(dataDir);
  if (!mayWrite(parent)) {
    const why = "The server makes it on its first start, and may not.";
    return fail(
      `There is no ${dataDir}, and ${parent} may not be written.`,
      why,
      `sudo install -d -m 700 -o "$(id -un)" ${dataDir}`,
    );
  }
  const why = "The server makes it on its first start. If it ran before, this is not where its data is.";
  return warn(
    `There is no ${dataDir} yet.`,
    why,
    "Start the server, or name the right one with --data-dir or DATA_DIR.",
  );
}

function nearestParent(path: string): string {
  let parent = dirname(path);
  while (!existsSync(parent)) parent = dirname(parent);
  return parent;
}

function openness(path: string, stats: Stats): Finding[] {
  const mode = (stats.mode & 0o777).toString(8).padStart(4, "0");
  const mend = `chmod ${stats.isDirectory() ? "700" : "600"} ${path}`;
  if ((stats.mode & 0o022) !== 0)
    return [
      fail(
        `Others may write in ${path} (mode ${mode}).`,
        "They can replace the data and the secrets in it.",
        mend,
      ),
    ];
  if ((stats.mode & 0o055) !== 0)
    return [
      warn(`Others may read ${path} (mode ${mode}).`, "It holds everybody's data, or leads to it.", mend),
    ];
  return [];
}

function ownership(dataDir: string, { uid }: Stats): Finding[] {
  const me = process.geteuid?.() ?? uid;
  if (uid === me) return [];
  const what = `${dataDir} belongs to user ${uid}; this is user ${me}.`;
  if (me === 0) {
    const why = "What root makes in it, the server's own user cannot open.";
    return [warn(what, why, `Run neocrm as that user: sudo -u '#${uid}' neocrm …`)];
  }
  return [
    fail(
      what,
      "Its files are closed to everybody else.",
      `Run neocrm as that user, or sudo chown -R ${me} ${dataDir}`,
    ),
  ];
}

function strangerInside(path: string, { uid }: Stats, directory: Stats): Finding[] {
  if (uid === directory.uid) return [];
  const what = `${path} belongs to user ${uid}, its directory to user ${directory.uid}.`;
  return [fail(what, "The server's user cannot open it.", `sudo chown -R ${directory.uid} ${path}`)];
}

function writability(dataDir: string): Finding[] {
  if (mayWrite(dataDir)) return [];
  const mend = `chmod u+rwx ${dataDir}; if it is mounted read-only, mount it for writing`;
  return [fail(`${dataDir} may not be written.`, "Nothing can be saved.", mend)];
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const disk = findingsOf("disk");

/** Whether there is room, and on a disk that SQLite can rely on. */
export function examineDisk({ loaded: { dataDir, config } }: Patient): Finding[] {
  const path = existsSync(dataDir) ? dataDir : nearestParent(dataDir);
  const { bavail, bsize, type } = statfsSync(path);
  const [free, mebibytes] = [bavail * bsize, Math.floor((bavail * bsize) / 1024 / 1024)];
  const found: Finding[] = [];
  if (free < lowDiskBytes) {
    const what = `Only ${mebibytes} MiB are free for ${path}.`;
    const why = "Without room nothing is saved: requests that write fail with 507.";
    found.push(
      (free < lastDiskBytes ? disk.fail : disk.warn)(
        what,
        why,
        "Remove what is not needed, or give it a larger disk.",
      ),
    );
  }
  const network = networkFileSystem(type);
  if (network && config["database.url"] === null) {
    const why = "SQLite's locks and memory maps do not work reliably over a network: the database can break.";
    found.push(
      disk.fail(
        `${path} is on ${network}.`,
        why,
        "Put the data directory on a local disk, or use PostgreSQL (DATABASE_URL).",
      ),
    );
  }
  return orOk(found, "disk", `${mebibytes.toLocaleString("en")} MiB are free for ${path}.`);
}

/** Magic numbers of statfs(2). */
const networkTypes: Record<number, string> = {
  0x6969: "NFS",
  0x517b: "SMB",
  0xff534d42: "CIFS",
  0xfe534d42: "SMB2",
  0x01021997: "9p",
  0x00c36400: "Ceph",
  0x5346414f: "AFS",
  0x0bd00bd0: "Lustre",
  0x01161970: "GFS2",
};

/** The name of a network's file system, `undefined` for every other. @param type as statfs(2) gives it */
export const networkFileSystem = (type: number): string | undefined => networkTypes[type >>> 0];
