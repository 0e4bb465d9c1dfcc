import { describe, expect, test } from "bun:test";
import { quantile } from "../../../src/ops/metrics/histogram";
import { SlowQueries } from "../../../src/ops/metrics/slow-queries";

describe("quantile", () => {
  test.each([
    [[0, 0, 0, 0], 0.5, null],
    [[4, 0, 0, 0], 0.5, 0.5],
    [[4, 0, 0, 0], 1, 1],
    [[0, 2, 0, 0], 0.5, 2],
    [[1, 1, 1, 0], 0.5, 2],
    [[1, 0, 1, 0], 0.75, 4],
    [[0, 0, 0, 5], 0.5, 5],
  ])("of %j at %d is %j", (counts, share, expected) => {
    expect(quantile([1, 3, 5], counts, share)).toBe(expected as number);
  });
});

describe("slow queries", () => {
  test("are counted by their statement, the worst first", () => {
    const slow = new SlowQueries();
    slow.note(0.009, "quick");
    slow.note(0.02, "a");
    slow.note(0.03, "b");
    slow.note(0.04, "a");
    expect(slow.worst(10)).toEqual([
      { statement: "a", count: 2, total: 0.06, longest: 0.04 },
      { statement: "b", count: 1, total: 0.03, longest: 0.03 },
    ]);
  });

  test("of more than are kept, the quickest goes", () => {
    const slow = new SlowQueries();
    for (let i = 0; i < 300; i++) slow.note(0.01 + i / 1_000, `statement ${i}`);
    expect(slow.worst(1_000).length).toBe(200);
    expect(slow.worst(1)[0]!.statement).toBe("statement 299");
  });
});
