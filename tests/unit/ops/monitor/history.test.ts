import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { day, minute, now } from "../../../../src/clock";
import { History, type Sample } from "../../../../src/ops/monitor/history";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "neocrm-history-"));
  file = join(folder, "monitor.ndjson");
});
afterEach(() => rmSync(folder, { recursive: true }));

const sampleAt = (at: number): Sample => ({
  ...{ at, requests: 10, errors: 0, p50: 1, p95: 2, p99: 3 },
  ...{ cpu: 0.1, memory: 1e8, delay: null, sockets: 0, disk_free: 1e9 },
});

test("what was added is there after a restart, for the one who runs the server alone", async () => {
  const history = new History(file);
  await history.load();
  const at = now();
  for (const ago of [2, 1, 0]) await history.add(sampleAt(at - ago * minute));
  const again = new History(file);
  await again.load();
  expect(again.samples).toEqual(history.samples);
  expect(again.samples.map((sample) => sample.at)).toEqual([at - 2 * minute, at - minute, at]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("a day is kept, and the file does not grow for ever", async () => {
  const history = new History(file);
  await history.load();
  const start = now() - 3 * day;
  for (let i = 0; i < 4_000; i++) await history.add(sampleAt(start + i * minute));
  expect(history.samples.length).toBe(day / minute);
  expect(history.samples.at(-1)!.at).toBe(start + 3_999 * minute);
  expect(readFileSync(file, "utf8").trimEnd().split("\n").length).toBeLessThanOrEqual(2 * (day / minute));
});

test("what is older than a day, cut off or nonsense is left out", async () => {
  const good = sampleAt(now() - minute);
  const lines = [
    JSON.stringify(sampleAt(now() - 2 * day)),
    "{}",
    "null",
    "nonsense",
    JSON.stringify(good),
    '{"at":1',
  ];
  writeFileSync(file, lines.join("\n"));
  const history = new History(file);
  await history.load();
  expect(history.samples).toEqual([good]);
});

test("a file that cannot be written costs the file alone", async () => {
  const history = new History(join(folder, "missing", "monitor.ndjson"));
  await history.load();
  await history.add(sampleAt(now()));
  expect(history.samples.length).toBe(1);
});
