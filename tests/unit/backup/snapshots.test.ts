import { expect, test } from "bun:test";
import { goesBackTo, outdatedSnapshots, type Snapshot } from "../../../src/backup/snapshots";

/** Taken one after the other, before these migrations. */
const taken = (...tags: string[]): Snapshot[] =>
  tags.map((before, takenAt) => ({ path: `${takenAt} ${before}`, before, takenAt }));
const paths = (snapshots: readonly Snapshot[]) => snapshots.map(({ path }) => path);

test("the three newest stay", () => {
  const applied = ["0000_a", "0001_b", "0002_c", "0003_d", "0004_e"];
  expect(outdatedSnapshots([], applied)).toEqual([]);
  expect(outdatedSnapshots(taken("0002_c", "0003_d", "0004_e"), applied)).toEqual([]);
  const all = taken("0001_b", "0002_c", "0003_d", "0004_e");
  expect(paths(outdatedSnapshots(all, applied))).toEqual(["0 0001_b"]);
});

test("so does the one that rollback goes back to, however old it is", () => {
  const all = taken("0001_b", "0002_c", "0003_d", "0004_e", "0003_d", "0002_c");
  const applied = ["0000_a", "0001_b"];
  expect(goesBackTo(all, applied)?.path).toBe("0 0001_b");
  expect(paths(outdatedSnapshots(all, applied))).toEqual(["1 0002_c", "2 0003_d"]);
});

test("where there is nothing to go back to, the newest ones stay all the same", () => {
  const all = taken("0004_e", "0003_d", "0002_c", "0001_b");
  expect(goesBackTo(all, ["0000_a"])).toBeUndefined();
  expect(paths(outdatedSnapshots(all, ["0000_a"]))).toEqual(["0 0004_e"]);
});
