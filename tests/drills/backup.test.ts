import { expect, test } from "bun:test";
import { newDatabase, postgres } from "../support/postgres";
import { engines, type Engine } from "../support/servers";
import { backupDrill, restoreDrill } from "./backup";
import { backupDiskDrill } from "./backup-disk";

const databasesOf = async (engine: Engine) => {
  if (engine === "sqlite") return undefined;
  await postgres({ durable: true });
  return () => newDatabase({ durable: true, empty: true });
};

test.each(engines)(
  "what was acknowledged before a backup is restored from it, after kill -9 under load [%s]",
  async (engine) => {
    const newDatabase = await databasesOf(engine);
    const result = await backupDrill({ rounds: 2, writers: 8, seed: 5, newDatabase });
    expect(result.faults).toEqual([]);
    expect(result.backups).toBeGreaterThanOrEqual(2);
    expect(result.acknowledged).toBeGreaterThan(60);
  },
  90_000,
);

test.each(engines)(
  "kill -9 of a restore leaves what was there before or what was restored [%s]",
  async (engine) => {
    const newDatabase = await databasesOf(engine);
    const { old, restored, ...result } = await restoreDrill({ kills: 2, seed: 6, newDatabase });
    expect(result).toEqual({ kills: 2, faults: [] });
    expect(old + restored).toBe(2);
  },
  90_000,
);

test("a data directory that is full or read-only is backed up all the same, and a full disk holds no half backup", async () => {
  const { said, ...result } = await backupDiskDrill();
  expect(result).toEqual({
    ...{ full: 0, readOnly: 0, toFull: 1, restored: ["Kept"] },
    left: ["neocrm-backup.lock"],
  });
  expect(said).toMatch(/: the disk is full\.$/);
}, 60_000);
