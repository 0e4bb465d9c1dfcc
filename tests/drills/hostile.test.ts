import { expect, test } from "bun:test";
import { engines } from "../support/servers";
import { hostileDrill } from "./hostile";

const seed = Number(process.env.SEED ?? 20261125);

test.each(engines)(
  `600 hostile requests get answers that the document promises, SEED=${seed} [%s]`,
  async (engine) => {
    const { sent, answers, wrong } = await hostileDrill({ engine, requests: 600, seed });
    expect(wrong).toEqual([]);
    expect(sent).toBe(600);
    // Some get through, or the rest would show little.
    expect(answers["2"]).toBeGreaterThan(50);
    expect(answers["4"]).toBeGreaterThan(300);
  },
  120_000,
);
