import { and, eq, isNotNull, isNull, sql } from "drizzle-orm";
import type { ListScope } from "../../db/list";
import type { DeletedMode } from "../../list";
import type { Reach } from "../../own-policy";
import { isUser, scopeOf, type Actor } from "../../policy";
import type { RecordPolicy } from "../../record-kind";
import type { FolderRow } from "./store";

/**
 * Grants that reach to the folders that one made or to all: `folders.read`, `.update` and `.delete`. Folders are one tree for
 * everybody; what lies in them is for those who see the files.
 */
export class FolderPolicy implements RecordPolicy<FolderRow> {
  /** For a live folder. */
  mayRead(actor: Actor, row: FolderRow): boolean {
    return reaches(actor, "read", row);
  }

  mayChange(actor: Actor, row: FolderRow): boolean {
    return reaches(actor, "update", row);
  }

  /** Whoever may delete a folder may restore it. */
  mayDelete(actor: Actor, row: FolderRow): boolean {
    return reaches(actor, "delete", row);
  }

  /** Live folders that the actor may see, deleted ones that they may restore. */
  listed(actor: Actor, deleted: DeletedMode): ListScope[] {
    const live = this.readable(actor);
    const restorable = scope(actor, "deleted", granted(actor, "delete"));
    return deleted === "none" ? [live] : deleted === "only" ? [restorable] : [live, restorable];
  }

  /** Live folders that the actor may see. */
  readable(actor: Actor): ListScope {
    return scope(actor, "live", granted(actor, "read"));
  }
}

const granted = (actor: Actor, action: "read" | "update" | "delete"): Reach =>
  scopeOf(actor, `folders.${action}`) ?? "none";

const reaches = (actor: Actor, action: "read" | "update" | "delete", { created_by }: FolderRow) => {
  const reach = granted(actor, action);
  return reach === "all" || (reach === "own" && isUser(actor, created_by));
};

function scope(actor: Actor, state: "live" | "deleted", reach: Reach): ListScope {
  return {
    shape: `${state} ${reach}`,
    // A share link and a user can have the same id: only a user owns anything.
    args: { me: actor.kind === "user" ? actor.userId : null },
    caller: `${actor.kind} ${actor.userId}`,
    ...(reach === "own" &&
      state === "live" && {
        own: ({ t: { folders }, dialect }, p) => [
          and(isNull(folders.deleted_at), dialect.rare(eq(folders.created_by, p.me!)))!,
        ],
      }),
    where: ({ t: { folders } }, p) => {
      const isInState = state === "live" ? isNull(folders.deleted_at) : isNotNull(folders.deleted_at);
      const isReached = reach === "own" ? eq(folders.created_by, p.me!) : sql`1 = 0`;
      return and(isInState, reach === "all" ? undefined : isReached);
    },
  };
}
