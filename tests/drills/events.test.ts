import { expect, test } from "bun:test";
import { newDatabase } from "../support/postgres";
import { engines } from "../support/servers";
import { eventsDrill } from "./events";

test.concurrent.each(engines)(
  "kill -9 while tasks are given: one activity, one notification, one frame and one mail for each [%s]",
  async (engine) => {
    const seed = Number(process.env.SEED ?? Date.now() % 1e9);
    console.log(`SEED=${seed}`);
    const databaseUrl = engine === "postgres" ? await newDatabase({ empty: true }) : undefined;
    const result = await eventsDrill({ kills: 5, writers: 5, writes: 30, seed, databaseUrl });
    expect(result).toMatchObject({ kills: 5, faults: [] });
    expect(result.acknowledged).toBeGreaterThan(5 * 15);
  },
  240_000,
);
