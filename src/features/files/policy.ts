import { and, eq, isNotNull, isNull, or, sql, type SQL } from "drizzle-orm";
import type { Shape } from "../../db/hot";
import type { ListScope } from "../../db/list";
import type { ListParams } from "../../db/list-filters";
import type { DeletedMode } from "../../list";
import { isMine, reaches, type Reach } from "../../own-policy";
import { isUser, scopeOf, type Actor } from "../../policy";
import type { RecordPolicy } from "../../record-kind";
import type { FileRow } from "./store";

export type { FileRow };

/** What a file may be attached to: how far somebody reaches among those records, deleted ones included. */
export interface Followed {
  reach(actor: Actor, action: "read" | "update"): Reach;
}

/** Records of both kinds. */
export interface FollowedPolicies {
  clients: Followed;
  tasks: Followed;
}

type Action = "read" | "update";

/**
 * Grants that reach to one's own files or to all: `files.read`, `.update` and `.delete`. A file that is attached to a client or
 * task follows that record: whoever sees the record sees the file, also when it was somebody else's before, and whoever may
 * change it may change and delete the file; who uploaded it may do so too, as long as they see it. A file that is attached
 * to nothing is its uploader's alone. One predicate for a file, and the same as a condition for a query.
 */
export class FilePolicy implements RecordPolicy<FileRow> {
  constructor(private readonly followed: FollowedPolicies) {}

  /** For a live file. */
  mayRead(actor: Actor, row: FileRow): boolean {
    const reach = granted(actor, "read");
    return reach === "all" || (reach === "own" && this.#sees(actor, row));
  }

  mayChange(actor: Actor, row: FileRow): boolean {
    return this.#changes(granted(actor, "update"), actor, row);
  }

  /** Whoever may delete a file may restore it. */
  mayDelete(actor: Actor, row: FileRow): boolean {
    return this.#changes(granted(actor, "delete"), actor, row);
  }

  /** Live files that the actor may see, deleted ones that they may restore. */
  listed(actor: Actor, deleted: DeletedMode): ListScope[] {
    const live = this.readable(actor);
    const restorable = this.#scope(actor, "deleted", granted(actor, "delete"));
    return deleted === "none" ? [live] : deleted === "only" ? [restorable] : [live, restorable];
  }

  /** Live files that the actor may see. */
  readable(actor: Actor): ListScope {
    return this.#scope(actor, "live", granted(actor, "read"));
  }

  #sees(actor: Actor, row: FileRow): boolean {
    if (row.client_id === null && row.task_id === null) return isUser(actor, row.uploaded_by);
    return this.#follows(actor, row, "read");
  }

  #changes(reach: Reach, actor: Actor, row: FileRow): boolean {
    if (reach !== "own") return reach === "all";
    const isOwn = isUser(actor, row.uploaded_by) && this.#sees(actor, row);
    return isOwn || this.#follows(actor, row, "update");
  }

  #follows(actor: Actor, row: FileRow, action: Action): boolean {
    const { clients, tasks } = this.followed;
    const isOf = (id: string | null, records: Followed, owners: [string | null, string | null]) =>
      id !== null &&
      reaches(records.reach(actor, action), actor, { created_by: owners[0]!, assigned_to: owners[1] });
    return (
      isOf(row.client_id, clients, [row.client_created_by, row.client_assigned_to]) ||
      isOf(row.task_id, tasks, [row.task_created_by, row.task_assigned_to])
    );
  }

  #scope(actor: Actor, state: "live" | "deleted", reach: Reach): ListScope {
    const reached = (action: Action) => ({
      clients: this.followed.clients.reach(actor, action),
      tasks: this.followed.tasks.reach(actor, action),
    });
    const [seen, changed] = [reached("read"), reached("update")];
    const isRestoring = state === "deleted";
    const isOwnAlone = reach === "own" && !isRestoring && seen.clients !== "all" && seen.tasks !== "all";
    return {
      shape: `${state} ${reach} ${Object.values(seen).join()} ${Object.values(changed).join()}`,
      // A share link and a user can have the same id: only a user owns anything.
      args: { me: actor.kind === "user" ? actor.userId : null },
      caller: `${actor.kind} ${actor.userId}`,
      ...(isOwnAlone && { own: (shape, p) => ownWays(shape, p, seen) }),
      ...(reach === "own" && { isSparse: true }),
      where: (shape, p) => {
        const { files } = shape.t;
        const isInState = isRestoring ? isNotNull(files.deleted_at) : isNull(files.deleted_at);
        if (reach !== "own") return and(isInState, reach === "none" ? sql`1 = 0` : undefined);
        const isSeen = or(isLoose(shape, p), follows(shape, p, seen))!;
        if (!isRestoring) return and(isInState, isSeen);
        return and(isInState, or(and(eq(files.uploaded_by, p.me!), isSeen), follows(shape, p, changed)));
      },
    };
  }
}

const granted = (actor: Actor, action: Action | "delete"): Reach =>
  scopeOf(actor, `files.${action}`) ?? "none";

/** Attached to nothing, and the caller's. */
const isLoose = ({ t: { files } }: Shape, p: ListParams) =>
  and(isNull(files.client_id), isNull(files.task_id), eq(files.uploaded_by, p.me!));

interface Reached {
  clients: Reach;
  tasks: Reach;
}

/** Attached to a record that the caller reaches. */
function follows({ t: { files, clients, tasks } }: Shape, p: ListParams, reached: Reached): SQL | undefined {
  const ofClient = and(eq(clients.id, files.client_id), isMine(clients, p));
  const ofTask = and(eq(tasks.id, files.task_id), isMine(tasks, p));
  return or(
    within(
      reached.clients,
      isNotNull(files.client_id),
      sql`exists (select 1 from ${clients} where ${ofClient})`,
    ),
    within(reached.tasks, isNotNull(files.task_id), sql`exists (select 1 from ${tasks} where ${ofTask})`),
  );
}

const within = (reach: Reach, all: SQL, own: SQL): SQL =>
  reach === "all" ? all : reach === "own" ? own : sql`1 = 0`;

/** Each way to the live files of somebody who sees nothing but their own records, with an index that leads there. */
function ownWays({ t: { files, clients, tasks }, dialect }: Shape, p: ListParams, reached: Reached): SQL[] {
  const live = isNull(files.deleted_at);
  const loose = and(
    live,
    dialect.rare(eq(files.uploaded_by, p.me!)),
    isNull(files.client_id),
    isNull(files.task_id),
  );
  const through = (records: typeof clients | typeof tasks, file: SQL) =>
    [records.created_by, records.assigned_to].map((owner) => {
      const ids = sql`select ${records.id} from ${records} where ${dialect.rare(eq(owner, p.me!))}`;
      return and(live, sql`${file} in (${ids})`)!;
    });
  return [
    loose!,
    ...(reached.clients === "own" ? through(clients, sql`${files.client_id}`) : []),
    ...(reached.tasks === "own" ? through(tasks, sql`${files.task_id}`) : []),
  ];
}
