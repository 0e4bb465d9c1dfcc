import { and, eq, isNotNull, isNull, or, sql, type SQL } from "drizzle-orm";
import type { ListScope } from "../../db/list";
import type { DeletedMode } from "../../http/list";
import { isUser, scopeOf, type Actor, type Scope } from "../../policy";
import type { RecordPolicy } from "../../records";
import type { ClientRow } from "./store";

type Reach = Scope | "none";

/**
 * Who may see and change which clients, as a predicate for one record and as a condition for a query.
 * @param visibility `own` narrows the reading of those who may change only their own
 */
export class ClientPolicy implements RecordPolicy<ClientRow> {
  constructor(private readonly visibility: () => "all" | "own") {}

  /** A live client that the actor may see. */
  mayRead(actor: Actor, client: ClientRow): boolean {
    return reaches(this.#reading(actor), actor, client);
  }

  mayChange(actor: Actor, client: ClientRow): boolean {
    return reaches(scopeOf(actor, "clients.update") ?? "none", actor, client);
  }

  /** Whoever may delete a client may restore it. */
  mayDelete(actor: Actor, client: ClientRow): boolean {
    return reaches(scopeOf(actor, "clients.delete") ?? "none", actor, client);
  }

  /** The same as a condition: live clients that the actor may see, deleted ones that they may restore. */
  listed(actor: Actor, deleted: DeletedMode): ListScope {
    const reading = this.#reading(actor);
    const restoring = scopeOf(actor, "clients.delete") ?? "none";
    return {
      shape: `${deleted} ${reading} ${restoring}`,
      args: { me: actor.kind === "user" ? actor.userId : null },
      isNarrow: reading === "own",
      where: ({ clients }, p) => {
        const mine = or(eq(clients.created_by, p.me!), eq(clients.assigned_to, p.me!));
        const live = and(isNull(clients.deleted_at), within(reading, mine));
        const restorable = and(isNotNull(clients.deleted_at), within(restoring, mine));
        return deleted === "none" ? live : deleted === "only" ? restorable : or(live, restorable);
      },
    };
  }

  #reading(actor: Actor): Reach {
    const granted = scopeOf(actor, "clients.read") ?? "none";
    const changesAll = scopeOf(actor, "clients.update") === "all";
    return granted === "all" && !changesAll ? this.visibility() : granted;
  }
}

/** Own means created by the actor or assigned to them. */
const reaches = (reach: Reach, actor: Actor, { created_by, assigned_to }: ClientRow) =>
  reach === "all" || (reach === "own" && (isUser(actor, created_by) || isUser(actor, assigned_to)));

const within = (reach: Reach, mine: SQL | undefined) =>
  reach === "all" ? undefined : reach === "own" ? mine : sql`1 = 0`;
