/** What PostgreSQL has to remember for us stays bounded. */
import { expect, test } from "bun:test";
import { eq, sql } from "drizzle-orm";
import { hotByShape } from "../../../src/db/hot";
import { openPostgresStore } from "../../../src/db/postgres";
import type { Session } from "../../../src/db/store";
import { newDatabase } from "../../support/postgres";
import { userRole } from "./fixtures";

/** The most that any connection has: those for common shapes, or those for rare ones. */
async function countPrepared(session: Session, unprepared: boolean) {
  // All connections of the kind are busy at once, so each is asked. Bun prepares this statement too.
  const text = "SELECT count(*)::int AS n, pg_sleep(0.05)::text FROM pg_prepared_statements";
  const plan = { text, bind: () => [], unprepared };
  const counts = await Promise.all([1, 2, 3].map(() => session.run(plan, [])));
  return Math.max(...counts.map((rows) => rows[0]!.n as number));
}

test("queries of many shapes leave few statements prepared, and all answer alike", async () => {
  const store = openPostgresStore(await newDatabase(), { connections: 1 });
  const queries = hotByShape<{ n: number; slug: string; tag: string[] }>(16);
  const run = (shape: number, session = store.read) =>
    queries.all(
      session,
      `${shape}`,
      ({ t, q }, p) =>
        q
          .select({
            n: sql<number>`${sql.raw(String(shape))}::int`,
            slug: t.roles.slug,
            big: sql<number>`count(*)`.mapWith(Number),
            tag: sql<string[]>`'["a"]'::jsonb`,
          })
          .from(t.roles)
          .where(eq(t.roles.id, p.id!))
          .groupBy(t.roles.slug),
      { id: userRole },
    );
  const answer = (n: number) => [{ n, slug: "user", big: 1, tag: ["a"] }];
  // Fewer than the 1,024 that Bun would keep on a connection.
  for (let shape = 0; shape < 500; shape++) expect(await run(shape)).toEqual(answer(shape) as never);
  const prepared = await countPrepared(store.read, false);
  expect(prepared).toBeLessThanOrEqual(301);
  expect(await countPrepared(store.read, true)).toBe(0);
  // Common shapes stay prepared, rare ones leave nothing behind, and in a transaction both just run.
  for (const shape of [0, 499, 498, 0]) expect(await run(shape)).toEqual(answer(shape) as never);
  expect(await countPrepared(store.read, false)).toBe(prepared);
  expect(await store.tx((session) => run(499, session))).toEqual(answer(499) as never);
  await store.close();
});
