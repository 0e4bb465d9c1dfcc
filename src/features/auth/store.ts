import { and, desc, eq, gt, isNull, sql } from "drizzle-orm";
import { hot, value, type Params, type Query } from "../../db/hot";
import type { ListScope, Resource } from "../../db/list";
import { insertInto, recordColumns, updateIn, type RowOf } from "../../db/rows";
import { sessionFields } from "./fields";

/** One sign-in on one device. */
export type SessionRow = RowOf<"sessions">;

/** Opens a session. */
export const insertSession = insertInto("sessions");

/** One session by id, ended or not. */
export const sessionById = hot(({ t: { sessions }, q }, p: Params<{ id: string }>) =>
  q.select().from(sessions).where(eq(sessions.id, p.id)).limit(1),
);

/** The sessions of a user that nobody ended, expired ones too, the one used last first. */
export const unendedSessionsOf = hot(({ t: { sessions }, q }, p: Params<{ user_id: string }>) =>
  q
    .select()
    .from(sessions)
    .where(and(eq(sessions.user_id, p.user_id), isNull(sessions.ended_at)))
    .orderBy(desc(sessions.last_used_at), desc(sessions.id)),
);

/** Sessions, as a list has them. */
export const listedSessions: Resource<SessionRow> = {
  fields: sessionFields,
  columns: recordColumns("sessions"),
};

/** The sessions of a user that are open at `now`, for a list. */
export const sessionsOpenAt = (userId: string, now: number): ListScope => ({
  shape: "open",
  where: ({ t: { sessions } }, p) =>
    and(eq(sessions.user_id, p.me!), isNull(sessions.ended_at), gt(sessions.expires_at, p.now!)),
  args: { me: userId, now },
  caller: `user ${userId}`,
});

/** Ends sessions, given as a JSON array of ids. */
export const endSessionRows = hot(
  ({ t: { sessions }, q, dialect }, p: Params<{ ids: string; ended_at: number }>) =>
    q
      .update(sessions)
      .set({ ended_at: value(sessions.ended_at, p.ended_at), version: sql`${sessions.version} + 1` })
      .where(dialect.isAmong(sessions.id, p.ids))
      .returning({ id: sessions.id }),
);

/** Writes what changes about a session. */
export const updateSession = updateIn("sessions", ["user_id", "created_at"]);

/** Adds a refresh token by its hash. */
export const insertRefreshToken = insertInto("refresh_tokens");

/** A refresh token by its hash, used or not. */
export const refreshTokenByHash = hot(({ t: { refresh_tokens }, q }, p: Params<{ hash: string }>) =>
  q.select().from(refresh_tokens).where(eq(refresh_tokens.hash, p.hash)).limit(1),
);

/** Marks a refresh token as used; gives nothing when it was used already. */
export const useRefreshToken = hot(
  ({ t: { refresh_tokens }, q }, p: Params<{ hash: string; used_at: number }>) =>
    q
      .update(refresh_tokens)
      .set({ used_at: sql`${p.used_at}` })
      .where(and(eq(refresh_tokens.hash, p.hash), isNull(refresh_tokens.used_at)))
      .returning({ hash: refresh_tokens.hash }),
);

/** Removes the refresh tokens of sessions that have ended, given as a JSON array of ids: nothing is left to replay. */
export const deleteRefreshTokens = hot(
  ({ t: { refresh_tokens }, q, dialect }, p: Params<{ session_ids: string }>) =>
    q.delete(refresh_tokens).where(dialect.isAmong(refresh_tokens.session_id, p.session_ids)) as Query<never>,
);

/** A link to choose a new password, by its token's hash. */
export type ResetRow = RowOf<"password_resets">;

/** Adds a link. */
export const insertReset = insertInto("password_resets");

/** A link by its token's hash, good or too old. */
export const resetByHash = hot(({ t: { password_resets }, q }, p: Params<{ hash: string }>) =>
  q.select().from(password_resets).where(eq(password_resets.hash, p.hash)).limit(1),
);

/** Removes a user's links: used, replaced, or meant for what the account no longer is. */
export const deleteResetsOf = hot(({ t: { password_resets }, q }, p: Params<{ user_id: string }>) =>
  q
    .delete(password_resets)
    .where(eq(password_resets.user_id, p.user_id))
    .returning({ hash: password_resets.hash }),
);
