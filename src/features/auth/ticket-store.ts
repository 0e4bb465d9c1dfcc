import { and, eq, isNull, lte } from "drizzle-orm";
import { hot, value, type Params, type Query } from "../../db/hot";
import { insertInto } from "../../db/rows";

/** Adds a ticket. */
export const insertTicket = insertInto("tickets");

/** A ticket by its hash, good or not. */
export const ticketByHash = hot(({ t: { tickets }, q }, p: Params<{ hash: string }>) =>
  q.select().from(tickets).where(eq(tickets.hash, p.hash)).limit(1),
);

/** Marks a ticket as used; gives nothing when it was used already. */
export const useTicket = hot(({ t: { tickets }, q }, p: Params<{ hash: string; used_at: number }>) =>
  q
    .update(tickets)
    .set({ used_at: value(tickets.used_at, p.used_at) })
    .where(and(eq(tickets.hash, p.hash), isNull(tickets.used_at)))
    .returning({ hash: tickets.hash }),
);

/** Removes the tickets of a session that expired by `now`. */
export const deleteExpiredTickets = hot(
  ({ t: { tickets }, q }, p: Params<{ session_id: string; now: number }>) =>
    q
      .delete(tickets)
      .where(and(eq(tickets.session_id, p.session_id), lte(tickets.expires_at, p.now))) as Query<never>,
);
