import { expect, test } from "bun:test";
import { newDatabase } from "../support/postgres";
import { engines } from "../support/servers";
import { bulkDrill } from "./bulk";

test.concurrent.each(engines)(
  "kill -9 while many records are changed, deleted and taken back: as if nobody had [%s]",
  async (engine) => {
    const seed = Number(process.env.SEED ?? Date.now() % 1e9);
    console.log(`SEED=${seed}`);
    const two = async () => [await newDatabase({ empty: true }), await newDatabase({ empty: true })] as const;
    const databases = engine === "postgres" ? { databaseUrls: await two() } : {};
    const result = await bulkDrill({ records: 700, killsOfEach: 2, seed, ...databases });
    expect(result.faults).toEqual([]);
    expect(result.kills).toBeGreaterThan(2);
    expect(result.changes).toBeGreaterThan(2_000);
  },
  240_000,
);
