import { expect, test } from "bun:test";
import { newDatabase, postgres } from "../support/postgres";
import { importsDrill } from "./imports";

test.concurrent(
  "kill -9 during an import and its undo comes to what comes undisturbed",
  async () => {
    const result = await importsDrill({ rounds: 1, killsEach: 4, rows: 3_000, seed: 5 });
    expect(result).toMatchObject({ kills: 5, faults: [] });
  },
  120_000,
);

test.concurrent(
  "and so it does on PostgreSQL",
  async () => {
    await postgres({ durable: true });
    const databaseUrl = await newDatabase({ durable: true, empty: true });
    const result = await importsDrill({ rounds: 1, killsEach: 4, rows: 1_500, seed: 6, databaseUrl });
    expect(result).toMatchObject({ kills: 5, faults: [] });
  },
  120_000,
);
