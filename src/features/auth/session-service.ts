import { now } from "../../clock";
import { listPage, pageOf } from "../../db/list";
import type { Session, Store } from "../../db/store";
import { write } from "../../db/write";
import { NotFound, Unauthenticated } from "../../errors";
import type { ListRequest, Page } from "../../list";
import type { Actor } from "../../policy";
import { presentSession, type SessionView } from "./schema";
import { endSessions, endSessionsOf, hashToken, isOver } from "./sessions";
import { listedSessions, refreshTokenByHash, sessionById, sessionsOpenAt } from "./store";

/** Where somebody is signed in, and how they leave. */
export class SessionService {
  constructor(
    private readonly store: Store,
    /** Called after the commit: what is known of the user's tokens is no longer true. */
    private readonly forget: (userId: string) => void,
  ) {}

  /** One page of the caller's open sessions. */
  async list(actor: Actor, request: ListRequest): Promise<Page<SessionView>> {
    const result = await listPage(this.store, listedSessions, request, [
      sessionsOpenAt(actor.userId!, now()),
    ]);
    const data = result.rows.map((row) => presentSession(row, actor.sessionId));
    return { data, pagination: pageOf(result, request) };
  }

  /**
   * Ends the caller's session: that of their access token, of the refresh token they send, or both.
   * @throws Unauthenticated when neither is good
   */
  async logout(actor: Actor, refreshToken: string | undefined): Promise<void> {
    const users = await write(this.store, actor, async (session) => {
      const ended = new Set<string>();
      for (const id of await sessionsToEnd(session, actor, refreshToken)) {
        const found = await sessionById.first(session, { id });
        if (!found || isOver(found)) continue;
        await endSessions(session, { ...actor, userId: found.user_id }, [found]);
        ended.add(found.user_id);
      }
      return ended;
    });
    if (users.size === 0) throw new Unauthenticated("You are not signed in.");
    for (const userId of users) this.forget(userId);
  }

  /** Ends all of the caller's sessions. */
  async logoutAll(actor: Actor): Promise<void> {
    const userId = actor.userId!;
    await write(this.store, actor, (session) => endSessionsOf(session, actor, userId));
    this.forget(userId);
  }

  /** @throws NotFound when it is not an open session of the caller */
  async end(actor: Actor, id: string): Promise<void> {
    await write(this.store, actor, async (session) => {
      const found = await sessionById.first(session, { id });
      if (!found || found.user_id !== actor.userId || isOver(found)) throw new NotFound("session");
      await endSessions(session, actor, [found]);
    });
    this.forget(actor.userId!);
  }

  /** The session that a refresh token belongs to, for counting. */
  async idOf(refreshToken: string): Promise<string | undefined> {
    const row = await refreshTokenByHash.first(this.store.read, { hash: hashToken(refreshToken) });
    return row?.session_id;
  }
}

async function sessionsToEnd(
  session: Session,
  actor: Actor,
  refreshToken: string | undefined,
): Promise<Set<string>> {
  const ids = new Set<string>();
  if (actor.sessionId !== null) ids.add(actor.sessionId);
  if (refreshToken !== undefined) {
    const token = await refreshTokenByHash.first(session, { hash: hashToken(refreshToken) });
    if (token) ids.add(token.session_id);
  }
  return ids;
}
