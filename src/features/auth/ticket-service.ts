import { minute, now, second } from "../../clock";
import type { Store } from "../../db/store";
import { write } from "../../db/write";
import { Invalid } from "../../errors";
import type { TicketPurpose } from "../../http/declared";
import type { TicketUse } from "../../http/methods";
import { newSecret } from "../../ids";
import type { Actor, Identity } from "../../policy";
import type { Identities } from "./identities";
import type { TicketRequest, TicketView } from "./schema";
import { hashToken } from "./sessions";
import { deleteExpiredTickets, insertTicket, ticketByHash, useTicket } from "./ticket-store";

/** How long a ticket is good for, in milliseconds; whether it works once; whether it names a record. */
const kinds: Record<TicketPurpose, { lastsMs: number; once: boolean; ofRecord: boolean | "maybe" }> = {
  ws: { lastsMs: 30 * second, once: true, ofRecord: false },
  sse: { lastsMs: 15 * minute, once: false, ofRecord: false },
  // An export is of no record.
  download: { lastsMs: 15 * minute, once: false, ofRecord: "maybe" },
  preview: { lastsMs: 15 * minute, once: false, ofRecord: true },
};

/**
 * Tickets stand in a URL for those that cannot send headers. Each is good for one purpose, where it names a record for
 * that one alone, and no longer than the access token it was made with: it ends with the session and with whatever ends
 * the account's tokens.
 */
export class TicketService {
  constructor(
    private readonly store: Store,
    private readonly identities: Pick<Identities, "bearer">,
  ) {}

  /** @throws Invalid naming `resource_id`, when it is missing or means nothing for this purpose */
  async issue(actor: Actor, { purpose, resource_id }: TicketRequest): Promise<TicketView> {
    const { lastsMs, ofRecord } = kinds[purpose];
    assertResource(resource_id ?? null, ofRecord);
    const [ticket, at] = [newSecret(), now()];
    const session_id = actor.sessionId!;
    await write(this.store, actor, async (session) => {
      await deleteExpiredTickets.all(session, { session_id, now: at });
      await insertTicket.all(session, {
        ...{ hash: hashToken(ticket), session_id, user_id: actor.userId!, auth_version: actor.authVersion! },
        ...{ purpose, resource_id: resource_id?.toLowerCase() ?? null },
        ...{ created_at: at, expires_at: at + lastsMs, used_at: null },
      });
    });
    return { ticket, expires_in: lastsMs / second };
  }

  /** Whom a ticket lets in for this use, by the tables as they are now; a text says why nobody. Uses up what works once. */
  admit = async (ticket: string, { purpose, resourceId }: TicketUse): Promise<Identity | string> => {
    const hash = hashToken(ticket);
    const row = await ticketByHash.first(this.store.read, { hash });
    if (!row) return "The ticket is unknown.";
    if (row.purpose !== purpose) return `The ticket is for ${row.purpose}, not for ${purpose}.`;
    if (row.resource_id !== resourceId) return "The ticket is for another record.";
    if (row.expires_at <= now()) return "The ticket has expired. Ask for a new one.";
    const claims = { userId: row.user_id, sessionId: row.session_id, authVersion: row.auth_version };
    const identity = await this.identities.bearer(claims);
    const isUsed = typeof identity !== "string" && kinds[purpose].once && !(await this.#use(hash));
    return isUsed ? "The ticket was used already: it works once." : identity;
  };

  async #use(hash: string): Promise<boolean> {
    const used = await this.store.tx((session) => useTicket.all(session, { hash, used_at: now() }));
    return used.length > 0;
  }
}

function assertResource(resourceId: string | null, ofRecord: boolean | "maybe"): void {
  if (ofRecord === "maybe" || (resourceId !== null) === ofRecord) return;
  const [code, message] = ofRecord
    ? ["required", "is required for this purpose"]
    : ["unexpected", "means nothing for this purpose"];
  throw new Invalid([{ field: "resource_id", code: code!, message: message! }]);
}
