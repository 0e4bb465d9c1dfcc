import { and, eq, ne, or, sql, type Column, type SQL } from "drizzle-orm";
import type { ListScope } from "../../db/list";
import type { ListParams } from "../../db/list-filters";
import type { Shape } from "../../db/hot";
import type { RebuiltTable } from "../../db/rebuild";
import type { RecordOf, RowOf } from "../../db/rows";
import type { RecordName } from "../../events/record";
import { attempts, isSignIn } from "../../events/types";
import { isUser, scopeOf, type Actor } from "../../policy";
import type { RecordPolicy } from "../../record-kind";
import type { FileRow } from "../files/policy";

/** What an event is about, as it is now: a record, or whose session it is. */
export type About =
  | { entity: "client"; row: RecordOf<"clients"> }
  | { entity: "task"; row: RecordOf<"tasks"> }
  | { entity: "folder"; row: RecordOf<"folders"> }
  | { entity: "file"; row: FileRow }
  | { entity: "session"; userId: string }
  | undefined;

/**
 * Who sees which events. Everybody: their own acts, and what happened to themselves. With `activities.read` for what is
 * theirs: what is about records that they see, or may restore. For all: everything, without the settings unless
 * they manage them, and without others' sign-ins unless they hold `sign_ins.read`.
 */
export class ActivityPolicy {
  constructor(
    private readonly clients: RecordPolicy<RecordOf<"clients">>,
    private readonly tasks: RecordPolicy<RecordOf<"tasks">>,
    private readonly folders: RecordPolicy<RecordOf<"folders">>,
    private readonly files: RecordPolicy<FileRow>,
  ) {}

  /** For one event, with the record that it is about. */
  mayRead(actor: Actor, event: RowOf<"events">, about: About): boolean {
    if (event.actor_kind === "user" && isUser(actor, event.actor_id)) return true;
    if (isOf(actor, event, about)) return true;
    if (scopeOf(actor, "activities.read") === "all") {
      if (event.entity_type === "setting") return seesSettings(actor);
      return !isSignIn(event) || seesSignIns(actor);
    }
    switch (about?.entity) {
      case "client":
        return this.#maySee(this.clients, actor, about.row);
      case "task":
        return this.#maySee(this.tasks, actor, about.row);
      case "folder":
        return this.#maySee(this.folders, actor, about.row);
      case "file":
        return this.#maySee(this.files, actor, about.row);
      default:
        return false;
    }
  }

  /** The same as a condition. */
  readable(actor: Actor): ListScope {
    const seesAll = scopeOf(actor, "activities.read") === "all";
    const condition = seesAll ? this.#widely(actor) : this.#narrowly(actor);
    return {
      ...condition,
      caller: `${actor.kind} ${actor.userId}`,
      args: { ...condition.args, me: actor.kind === "user" ? actor.userId : null },
    };
  }

  /** The tasks that the actor sees, or may restore. */
  tasksSeen = (actor: Actor): Seen => seen("tasks", this.tasks, actor);

  /** The same of files. */
  filesSeen = (actor: Actor): Seen => seen("files", this.files, actor);

  #maySee<Row extends { deleted_at: number | null }>(policy: RecordPolicy<Row>, actor: Actor, row: Row) {
    return row.deleted_at === null ? policy.mayRead(actor, row) : policy.mayDelete(actor, row);
  }

  #widely(actor: Actor): Condition {
    const [settings, others] = [seesSettings(actor), seesSignIns(actor)];
    if (settings && others) return { shape: "all", args: {}, where: () => undefined };
    return {
      shape: `all${settings ? "" : " but settings"}${others ? "" : " but sign-ins"}`,
      args: {},
      isSparse: true,
      where: (shape, p) => {
        const { events } = shape.t;
        const open = and(
          settings ? undefined : ne(events.entity_type, sql`'setting'`),
          others
            ? undefined
            : and(
                ne(events.entity_type, sql`'session'`),
                ...attempts.map((type) => ne(events.type, sql.raw(`'${type}'`))),
              ),
        );
        return or(open, ...own(shape, p, shape.dialect.unindexed));
      },
    };
  }

  #narrowly(actor: Actor): Condition {
    const kinds = [
      ["client", seen("clients", this.clients, actor)],
      ["task", seen("tasks", this.tasks, actor)],
      ["folder", seen("folders", this.folders, actor)],
      ["file", seen("files", this.files, actor)],
    ] as const;
    const ways = kinds.map(([, { ways }]) => ways);
    return {
      shape: kinds.map(([, { shape }]) => shape).join(),
      args: Object.assign({}, ...kinds.map(([, { args }]) => args)),
      isSparse: true,
      where: (shape, p) => {
        const { entity_type, entity_id } = shape.t.events;
        const about = kinds.map(([kind, records]) =>
          and(isKind(shape.dialect.unindexed(entity_type), kind), records.has(shape, p, entity_id)),
        );
        return or(...about, ...own(shape, p, shape.dialect.unindexed));
      },
      ...(ways.every((way) => way !== undefined) && {
        own: (shape, p) => {
          const { entity_type, entity_id } = shape.t.events;
          const about = kinds.flatMap(([kind, { ways }]) =>
            ways!(shape, p).map((ids) =>
              and(isKind(sql`${entity_type}`, kind), sql`${entity_id} in ${ids}`)!,
            ),
          );
          return [...about, ...own(shape, p, (column) => sql`${column}`)];
        },
      }),
    };
  }
}

const isKind = (entityType: SQL, kind: RecordName) => sql`${entityType} = ${sql.raw(`'${kind}'`)}`;

type Condition = Omit<ListScope, "caller">;

/** Records of one kind that somebody sees, or may restore. */
export interface Seen {
  shape: string;
  args: ListScope["args"];
  /** Whether the record with the id in `id` is one of them, and `further` holds for it. */
  has(shape: Shape, p: ListParams, id: Column, further?: SQL): SQL;
  /** A statement that finds the ids of those for which `further` holds, by an index that it has. */
  idsOf(shape: Shape, p: ListParams, further: SQL): SQL;
  /** Where they are the actor's own, statements that together find their ids, each with an index. */
  ways?: (shape: Shape, p: ListParams) => SQL[];
}

function seen<Row>(table: RebuiltTable, policy: RecordPolicy<Row>, actor: Actor): Seen {
  const scopes = policy.listed(actor, "with");
  const [live, ...restorable] = scopes as [ListScope, ...ListScope[]];
  const isSeen = (shape: Shape, p: ListParams) => or(...scopes.map(({ where }) => where(shape, p)));
  const idsWhere = ({ t }: Shape, condition: SQL | undefined) =>
    sql`(select ${t[table].id} from ${t[table]} where ${condition})`;
  return {
    shape: `${table} ${scopes.map(({ shape }) => shape).join(" or ")}`,
    args: Object.assign({}, ...scopes.map(({ args }) => args)),
    has: (shape, p, id, further) => {
      const records = shape.t[table];
      return sql`exists (select 1 from ${records} where ${and(eq(records.id, id), further, isSeen(shape, p))})`;
    },
    idsOf: (shape, p, further) => idsWhere(shape, and(further, isSeen(shape, p))),
    ...(live.own && {
      ways: (shape, p) =>
        [...live.own!(shape, p), ...restorable.map(({ where }) => where(shape, p))].map((condition) =>
          idsWhere(shape, condition),
        ),
    }),
  };
}

const seesSettings = (actor: Actor) => scopeOf(actor, "settings.manage") === "all";
const seesSignIns = (actor: Actor) => scopeOf(actor, "sign_ins.read") === "all";

/** Whether it happened to the actor: their account, or a session of theirs. */
function isOf(actor: Actor, { entity_type, entity_id }: RowOf<"events">, about: About): boolean {
  if (entity_type === "user") return isUser(actor, entity_id);
  return about?.entity === "session" && isUser(actor, about.userId);
}

/** What the actor did, and what happened to them. @param by how a column stands in the conditions */
function own({ t: { events, sessions } }: Shape, p: ListParams, by: (column: Column) => SQL): SQL[] {
  const { actor_kind, actor_id, entity_type, entity_id } = events;
  const mine = sql`(select ${sessions.id} from ${sessions} where ${eq(sessions.user_id, p.me!)})`;
  return [
    sql`${actor_kind} = 'user' and ${by(actor_id)} = ${p.me}`,
    sql`${by(entity_type)} = 'user' and ${entity_id} = ${p.me}`,
    sql`${by(entity_type)} = 'session' and ${entity_id} in ${mine}`,
  ].map((condition) => sql`(${condition})`);
}
