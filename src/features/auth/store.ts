import { and, desc, eq, gt, isNull, lte, ne, sql } from "drizzle-orm";
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

/** The programs that a user signed in with before a session, the last ones first. */
export const earlierPrograms = hot(
  ({ t: { sessions }, q }, p: Params<Pick<SessionRow, "id" | "user_id" | "created_at"> & { most: number }>) =>
    q
      .select({ user_agent: sessions.user_agent })
      .from(sessions)
      .where(
        and(eq(sessions.user_id, p.user_id), lte(sessions.created_at, p.created_at), ne(sessions.id, p.id)),
      )
      .orderBy(desc(sessions.created_at), desc(sessions.id))
      .limit(p.most),
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

/** An invitation, by its token's hash. */
export type InvitationRow = RowOf<"invitations">;

/** Adds an invitation. */
export const insertInvitation = insertInto("invitations");

/** An invitation by its token's hash, good or not. */
export const invitationByHash = hot(({ t: { invitations }, q }, p: Params<{ hash: string }>) =>
  q.select().from(invitations).where(eq(invitations.hash, p.hash)).limit(1),
);

/** An invitation by its id, good or not. */
export const invitationById = hot(({ t: { invitations }, q }, p: Params<{ id: string }>) =>
  q.select().from(invitations).where(eq(invitations.id, p.id)).limit(1),
);

/** Marks an invitation as accepted; gives nothing when it was already. */
export const acceptInvitation = hot(
  ({ t: { invitations }, q }, p: Params<{ id: string; accepted_at: number }>) =>
    q
      .update(invitations)
      .set({ accepted_at: value(invitations.accepted_at, p.accepted_at) })
      .where(and(eq(invitations.id, p.id), isNull(invitations.accepted_at)))
      .returning({ id: invitations.id }),
);

/** Removes what was sent to an address before and nobody accepted. */
export const deleteInvitationsTo = hot(({ t: { invitations }, q }, p: Params<{ email_normal: string }>) =>
  q
    .delete(invitations)
    .where(and(eq(invitations.email_normal, p.email_normal), isNull(invitations.accepted_at)))
    .returning({ id: invitations.id }),
);

/** Adds a link that proves an address. */
export const insertVerification = insertInto("email_verifications");

/** Such a link by its token's hash, good or not. */
export const verificationByHash = hot(({ t: { email_verifications }, q }, p: Params<{ hash: string }>) =>
  q.select().from(email_verifications).where(eq(email_verifications.hash, p.hash)).limit(1),
);

/** Marks an address as proven. */
export const markVerified = hot(
  ({ t: { email_verifications }, q }, p: Params<{ hash: string; verified_at: number }>) =>
    q
      .update(email_verifications)
      .set({ verified_at: value(email_verifications.verified_at, p.verified_at) })
      .where(eq(email_verifications.hash, p.hash))
      .returning({ hash: email_verifications.hash }),
);

/** Removes the links of a user that proved nothing. */
export const deleteVerificationsOf = hot(
  ({ t: { email_verifications }, q }, p: Params<{ user_id: string }>) =>
    q
      .delete(email_verifications)
      .where(and(eq(email_verifications.user_id, p.user_id), isNull(email_verifications.verified_at)))
      .returning({ hash: email_verifications.hash }),
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
