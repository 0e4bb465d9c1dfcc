import { and, desc, eq, gt, isNull, sql } from "drizzle-orm";
import { hot, value, type Params } from "../../db/hot";
import type { Tables } from "../../db/tables";

/** One sign-in on one device. */
export type SessionRow = Tables["sessions"]["$inferSelect"];
type Token = Tables["refresh_tokens"]["$inferSelect"];

/** Opens a session. */
export const insertSession = hot(
  ({ t: { sessions }, q }, p: Params<Omit<SessionRow, "ended_at" | "version">>) =>
    q
      .insert(sessions)
      .values({
        id: p.id,
        user_id: p.user_id,
        ip: p.ip,
        user_agent: p.user_agent,
        created_at: p.created_at,
        last_used_at: p.last_used_at,
        expires_at: p.expires_at,
      })
      .returning(),
);

/** One session by id, ended or not. */
export const sessionById = hot(({ t: { sessions }, q }, p: Params<Pick<SessionRow, "id">>) =>
  q.select().from(sessions).where(eq(sessions.id, p.id)).limit(1),
);

/** The sessions of a user that are open now, the newest first. */
export const openSessionsOf = hot(({ t: { sessions }, q }, p: Params<{ user_id: string; now: number }>) =>
  q
    .select()
    .from(sessions)
    .where(and(eq(sessions.user_id, p.user_id), isNull(sessions.ended_at), gt(sessions.expires_at, p.now)))
    .orderBy(desc(sessions.created_at), desc(sessions.id)),
);

/** Writes what changes about a session. */
export const updateSession = hot(
  (
    { t: { sessions }, q },
    p: Params<
      Pick<SessionRow, "id" | "ip" | "user_agent" | "last_used_at" | "expires_at" | "ended_at" | "version">
    >,
  ) =>
    q
      .update(sessions)
      .set({
        ip: value(sessions.ip, p.ip),
        user_agent: value(sessions.user_agent, p.user_agent),
        last_used_at: value(sessions.last_used_at, p.last_used_at),
        expires_at: value(sessions.expires_at, p.expires_at),
        ended_at: value(sessions.ended_at, p.ended_at),
        version: value(sessions.version, p.version),
      })
      .where(eq(sessions.id, p.id))
      .returning({ id: sessions.id }),
);

/** Adds a refresh token by its hash. */
export const insertRefreshToken = hot(({ t: { refresh_tokens }, q }, p: Params<Omit<Token, "used_at">>) =>
  q
    .insert(refresh_tokens)
    .values({ hash: p.hash, session_id: p.session_id, created_at: p.created_at })
    .returning({ hash: refresh_tokens.hash }),
);

/** A refresh token by its hash, used or not. */
export const refreshTokenByHash = hot(({ t: { refresh_tokens }, q }, p: Params<Pick<Token, "hash">>) =>
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

/** Removes the refresh tokens of a session that has ended: nothing is left to replay. */
export const deleteRefreshTokens = hot(({ t: { refresh_tokens }, q }, p: Params<{ session_id: string }>) =>
  q
    .delete(refresh_tokens)
    .where(eq(refresh_tokens.session_id, p.session_id))
    .returning({ hash: refresh_tokens.hash }),
);
