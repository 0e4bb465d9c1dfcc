import { expect, test } from "bun:test";
import { postgres, newDatabase } from "../support/postgres";
import { killDrill } from "./kill";

test.concurrent(
  "kill -9 under 100 writers loses nothing and doubles nothing, on SQLite",
  async () => {
    const result = await killDrill({ rounds: 2, writers: 100, writes: 1_000 });
    expect(result).toMatchObject({ kills: 2, lost: [], doubled: [] });
    expect(result.acknowledged).toBeGreaterThan(100);
  },
  60_000,
);

test.concurrent(
  "nor on PostgreSQL",
  async () => {
    await postgres({ durable: true });
    const databaseUrl = await newDatabase({ durable: true, empty: true });
    const result = await killDrill({ rounds: 1, writers: 20, writes: 100, databaseUrl });
    expect(result).toMatchObject({ kills: 1, lost: [], doubled: [] });
    expect(result.acknowledged).toBeGreaterThan(20);
  },
  60_000,
);
