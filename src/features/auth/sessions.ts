import { day, isoTime, now } from "../../clock";
import type { Session } from "../../db/store";
import { record, recordEach, type Recorded } from "../../events/record";
import { newId, newSecret } from "../../ids";
import type { Actor } from "../../policy";
import {
  deleteRefreshTokens,
  endSessionRows,
  insertRefreshToken,
  insertSession,
  unendedSessionsOf,
  updateSession,
  type SessionRow,
} from "./store";

/** Where a sign-in comes from. */
export interface Origin {
  address: string;
  userAgent: string | null;
}

/** A session and the refresh token that continues it. */
export interface OpenedSession {
  session: SessionRow;
  refreshToken: string;
}

/** The form in which refresh tokens are stored: a copy of the database signs nobody in. */
export const hashToken = (token: string) => new Bun.CryptoHasher("sha256").update(token).digest("hex");

/** Who signs in anew each time instead of continuing a session leaves one behind each time. */
const mostOpen = 100;

/**
 * Opens a session, a new family of refresh tokens, within a transaction. Sessions of the user that have expired end,
 * and so does the one unused for longest when there are too many.
 */
export async function openSession(
  session: Session,
  actor: Actor,
  userId: string,
  origin: Origin,
  days: number,
): Promise<OpenedSession> {
  const self = { ...actor, userId };
  const unended = await unendedSessionsOf.all(session, { user_id: userId });
  const surplus = unended.filter((one, place) => isOver(one) || place >= mostOpen - 1);
  await endSessions(session, self, surplus);
  const at = now();
  const opened: SessionRow = {
    id: newId(),
    user_id: userId,
    ip: origin.address,
    user_agent: origin.userAgent?.slice(0, 500) ?? null,
    created_at: at,
    last_used_at: at,
    expires_at: at + days * day,
    ended_at: null,
    version: 1,
  };
  await insertSession.all(session, opened);
  await record(session, self, "session.created", null, recorded(opened), at);
  return { session: opened, refreshToken: await giveRefreshToken(session, opened.id) };
}

/** Continues a session from `origin` for as many days again, with the next refresh token of its family. */
export async function continueSession(
  session: Session,
  actor: Actor,
  before: SessionRow,
  origin: Origin,
  days: number,
): Promise<OpenedSession> {
  const user_agent = origin.userAgent?.slice(0, 500) ?? null;
  const at = now();
  const after = {
    ...before,
    ip: origin.address,
    user_agent,
    last_used_at: at,
    expires_at: at + days * day,
    version: before.version + 1,
  };
  await updateSession.all(session, after);
  await record(session, actor, "session.refreshed", recorded(before), recorded(after), after.last_used_at);
  return { session: after, refreshToken: await giveRefreshToken(session, before.id) };
}

/** Ends sessions that nobody ended, with their families, within a transaction. */
export async function endSessions(
  session: Session,
  actor: Actor,
  unended: readonly SessionRow[],
): Promise<void> {
  if (unended.length === 0) return;
  const at = now();
  const ids = JSON.stringify(unended.map(({ id }) => id));
  await endSessionRows.all(session, { ids, ended_at: at });
  await deleteRefreshTokens.all(session, { session_ids: ids });
  const ended = unended.map((before) => ({
    before: recorded(before),
    after: recorded({ ...before, ended_at: at, version: before.version + 1 }),
  }));
  await recordEach(session, actor, "session.ended", ended, at);
}

/** Ends every session of a user. */
export async function endSessionsOf(session: Session, actor: Actor, userId: string): Promise<void> {
  await endSessions(session, actor, await unendedSessionsOf.all(session, { user_id: userId }));
}

async function giveRefreshToken(session: Session, sessionId: string): Promise<string> {
  const token = newSecret();
  const hash = hashToken(token);
  await insertRefreshToken.all(session, { hash, session_id: sessionId, created_at: now(), used_at: null });
  return token;
}

const recorded = (row: SessionRow): Recorded => ({
  id: row.id,
  user_id: row.user_id,
  ip: row.ip,
  user_agent: row.user_agent,
  created_at: isoTime(row.created_at),
  last_used_at: isoTime(row.last_used_at),
  expires_at: isoTime(row.expires_at),
  ended_at: row.ended_at === null ? null : isoTime(row.ended_at),
  version: row.version,
});

/** Whether nobody is signed in with it any more. */
export const isOver = (session: SessionRow): boolean =>
  session.ended_at !== null || session.expires_at <= now();
