import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataDirectoryInUse, lockDataDirectory } from "../../../src/ops/data-lock";
import { flushLogs, startLogging } from "../../../src/ops/logging";
import { unprivileged, unprivilegedUid } from "../../support/unprivileged";

let folder: string;
let dataDir: string;
const lines: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "neocrm-lock-"));
  dataDir = join(folder, "data");
  lines.length = 0;
  startLogging({ level: "warn", format: "json", write: (text) => void lines.push(text) });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8);

test("makes the directory for its own user, and holds it until it lets go", () => {
  const lock = lockDataDirectory(dataDir);
  expect([modeOf(dataDir), modeOf(join(dataDir, "neocrm.pid"))]).toEqual(["700", "600"]);
  expect(readFileSync(join(dataDir, "neocrm.pid"), "utf8")).toBe(`${process.pid}\n`);
  expect(() => lockDataDirectory(dataDir)).toThrow(DataDirectoryInUse);
  expect(() => lockDataDirectory(dataDir)).toThrow(`process ${process.pid}`);
  lock.release();
  lockDataDirectory(dataDir).release();
});

test("closes a database that others could read", () => {
  mkdirSync(dataDir, { mode: 0o700 });
  const file = join(dataDir, "neocrm.db");
  writeFileSync(file, "");
  chmodSync(file, 0o644);
  lockDataDirectory(dataDir).release();
  expect(modeOf(file)).toBe("600");
});

test("says so when others may write in it", () => {
  mkdirSync(dataDir);
  chmodSync(dataDir, 0o777);
  lockDataDirectory(dataDir).release();
  flushLogs();
  expect(lines.join("")).toContain(`chmod 700 ${dataDir}`);
});

test.each<[what: string, make: () => string, reason: string]>([
  ["a file", () => join(folder, "file"), "it is a file"],
  ["below a file", () => join(folder, "file", "data"), "a part of the path is a file"],
  [
    "with a lock that cannot be opened",
    () => (mkdirSync(join(dataDir, "neocrm.lock"), { recursive: true }), dataDir),
    "neocrm.lock in it cannot be opened",
  ],
])("a place that is %s is named, with the reason and the mend", (_, make, reason) => {
  writeFileSync(join(folder, "file"), "");
  const place = make();
  expect(() => lockDataDirectory(place)).toThrow(
    `The data directory ${place} cannot be used: ${reason}. Let the user that runs neocrm write there, or name`,
  );
});

test("a place that is not ours is named too", () => {
  chmodSync(folder, 0o755);
  mkdirSync(dataDir, { mode: 0o500 });
  if (process.getuid?.() === 0) chownSync(dataDir, unprivilegedUid, unprivilegedUid);
  const source = JSON.stringify(join(import.meta.dir, "../../../src/ops/data-lock"));
  const message = unprivileged(
    `import { lockDataDirectory } from ${source};`,
    `try {
      lockDataDirectory(${JSON.stringify(dataDir)});
    } catch (error) {
      console.log(error.message);
    }`,
  );
  expect(message).toStartWith(`The data directory ${dataDir} cannot be used: permission denied.`);
});

test("writes through no link", () => {
  mkdirSync(dataDir, { mode: 0o700 });
  const precious = join(folder, "precious");
  writeFileSync(precious, "mine");
  symlinkSync(precious, join(dataDir, "neocrm.pid"));
  expect(() => lockDataDirectory(dataDir)).toThrow();
  expect(readFileSync(precious, "utf8")).toBe("mine");
});
