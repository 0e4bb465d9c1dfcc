import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { getPriority } from "node:os";
import { passwordHasher } from "../../../src/features/auth/passwords";

/** The threads of this process with their names; on Linux a thread's priority is asked for by its id. */
const threads = () =>
  readdirSync("/proc/self/task").map((id) => ({
    name: readFileSync(`/proc/self/task/${id}/comm`, "utf8").trim(),
    niceness: getPriority(Number(id)),
  }));

describe("threads that hash", () => {
  test("stand back behind the one that answers requests", async () => {
    const before = getPriority();
    await passwordHasher({ concurrency: 1, queue: 1 }).hash("correct horse battery");
    const pool = threads().filter(({ name }) => name.startsWith("Bun Pool"));
    expect(pool.length).toBeGreaterThan(0);
    expect(pool.every(({ niceness }) => niceness > before)).toBe(true);
    expect(getPriority()).toBe(before);
  });
});
