import { sql } from "drizzle-orm";
import { hot, type Params } from "./hot";
import type { Session } from "./store";

/** Of the advisory locks whose second half is a name; those of migrations have one number. */
const lockClass = 727_003;

const tryLock = hot(({ q }, p: Params<{ name: string }>) =>
  q
    .select({
      isFree: sql<boolean>`pg_try_advisory_xact_lock(${sql.raw(String(lockClass))}, hashtext(${p.name}))`,
    })
    .from(sql`(select 1) as one`),
);

/**
 * Whether this transaction is, until it ends, the only one of all processes that does what `name` says. One on SQLite
 * always is.
 */
export async function isAlone(session: Session, name: string): Promise<boolean> {
  if (session.dialect.engine === "sqlite") return true;
  return (await tryLock.first(session, { name }))!.isFree;
}
