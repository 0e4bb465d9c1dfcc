import { and, eq, or, sql, type SQL } from "drizzle-orm";
import { isoTime, minute, now } from "../../clock";
import type { Shape } from "../../db/hot";
import { listPage, pageOf, type ListScope } from "../../db/list";
import type { ListParams } from "../../db/list-filters";
import { walkList, type Walk } from "../../db/list-walk";
import { countIn, type Counted, type Span } from "../../db/spans";
import type { Store } from "../../db/store";
import { write } from "../../db/write";
import { Invalid, NotFound, type FieldError } from "../../errors";
import { remark } from "../../events/record";
import { instantOf } from "../../instants";
import type { ListRequest, Page } from "../../list";
import type { Actor } from "../../policy";
import type { ClientService } from "../clients/service";
import type { UserService } from "../users/service";
import type { ActivityPolicy, Seen } from "./policy";
import { presentActivity, type ActivityInput, type ActivityView } from "./schema";
import { activityById, listedActivities } from "./store";

/** What the activities are about. */
export interface ActivityOptions {
  store: Store;
  policy: ActivityPolicy;
  clients: ClientService;
  users: UserService;
}

/** What happened, as far as whoever asks may see it, and what people tell of their clients. */
export class ActivityService {
  constructor(private readonly options: ActivityOptions) {}

  /** One page of everything that the actor may see. */
  list(actor: Actor, request: ListRequest): Promise<Page<ActivityView>> {
    return this.#page(this.options.policy.readable(actor), request);
  }

  /** Walks through everything that the actor may see. */
  walk(actor: Actor, request: ListRequest): Promise<Walk<ActivityView>> {
    const { store, policy } = this.options;
    return walkList(store, listedActivities, request, [policy.readable(actor)], presentActivity);
  }

  /** What a user did. @throws NotFound without such a user */
  async by(actor: Actor, userId: string, request: ListRequest): Promise<Page<ActivityView>> {
    await this.options.users.get(actor, userId);
    const scope = this.options.policy.readable(actor);
    const acted = ({ t: { events } }: Shape, p: ListParams) =>
      and(eq(events.actor_kind, sql`'user'`), eq(events.actor_id, p.who!));
    return this.#page(
      {
        ...scope,
        shape: `${scope.shape} by`,
        args: { ...scope.args, who: userId },
        where: (shape, p) => and(acted(shape, p), scope.where(shape, p)),
      },
      request,
    );
  }

  /** What happened to a record. @throws NotFound when the actor may see nothing of it */
  async about(
    actor: Actor,
    { entity_type, entity_id }: { entity_type: string; entity_id: string },
    request: ListRequest,
  ): Promise<Page<ActivityView>> {
    const scope = this.options.policy.readable(actor);
    const condition = (shape: Shape, p: ListParams) => and(isAbout(shape, p), scope.where(shape, p))!;
    const about: ListScope = {
      ...scope,
      shape: `${scope.shape} about`,
      args: { ...scope.args, entity_type, entity_id },
      where: condition,
      own: (shape, p) => [shape.dialect.rare(condition(shape, p))],
    };
    const page = await this.#page(about, request);
    const isAll = request.filters.length === 0 && request.after === null && request.page === 1;
    if (isAll && page.data.length === 0) throw new NotFound("record");
    return page;
  }

  /**
   * What happened to a client and to its tasks and files, as far as the actor may see those, and what was told of it.
   * @throws NotFound when there is no such client or the actor may not see it, Gone when they may restore it
   */
  async timeline(actor: Actor, clientId: string, request: ListRequest): Promise<Page<ActivityView>> {
    const { clients, policy } = this.options;
    await clients.get(actor, clientId);
    const attached = [
      attachedAs("task", "tasks", policy.tasksSeen(actor)),
      attachedAs("file", "files", policy.filesSeen(actor)),
    ];
    return this.#page(
      {
        shape: `timeline ${attached.map(({ seen }) => seen.shape).join()}`,
        args: {
          ...Object.assign({}, ...attached.map(({ seen }) => seen.args)),
          ...{ entity_type: "client", entity_id: clientId },
        },
        caller: `${actor.kind} ${actor.userId}`,
        isSparse: true,
        where: (shape, p) => or(isAbout(shape, p), ...attached.map(({ has }) => has(shape, p))),
        own: (shape, p) =>
          [isAbout(shape, p)!, ...attached.map(({ hasFew }) => hasFew(shape, p))].map((way) =>
            shape.dialect.rare(way),
          ),
      },
      request,
    );
  }

  /** How often what happened to clients, as far as the actor may see it, in each span of time; by the type of event. */
  countByType(actor: Actor, spans: readonly Span[]): Promise<Counted[]> {
    const { store, policy } = this.options;
    const scope = policy.readable(actor);
    const where: ListScope["where"] = (shape, p) =>
      and(eq(shape.t.events.entity_type, sql`'client'`), scope.where(shape, p));
    return countIn(
      store,
      spans,
      "events",
      "created_at",
      { ...scope, where, shape: `${scope.shape} clients` },
      "type",
    );
  }

  /** How much each user did, as far as the actor may see it, in each span of time. That somebody stayed signed in is no act. */
  countByActor(actor: Actor, spans: readonly Span[]): Promise<Counted[]> {
    const { store, policy } = this.options;
    const scope = policy.readable(actor);
    const where: ListScope["where"] = (shape, p) => {
      const { actor_kind, actor_id, type } = shape.t.events;
      const isAct = sql`${actor_kind} = 'user' and ${actor_id} is not null and ${type} <> 'session.refreshed'`;
      return and(isAct, scope.where(shape, p));
    };
    return countIn(
      store,
      spans,
      "events",
      "created_at",
      { ...scope, where, shape: `${scope.shape} acts` },
      "actor_id",
    );
  }

  /**
   * Logs a note, a call or a meeting on a client.
   * @throws Invalid for what does not belong together, or a client that the actor may not see
   */
  log(actor: Actor, input: ActivityInput): Promise<ActivityView> {
    const { store, clients } = this.options;
    const told = toldBy(input);
    return write(store, actor, async (session) => {
      const client = await clients.seen(session, actor, input.client_id.toLowerCase());
      if (!client) throw new Invalid([unknownClient]);
      const { id } = await remark(session, actor, `client.${input.action}`, client, told);
      return presentActivity((await activityById.first(session, { id }))!);
    });
  }

  async #page(scope: ListScope, request: ListRequest): Promise<Page<ActivityView>> {
    const result = await listPage(this.options.store, listedActivities, request, [scope]);
    return { data: result.rows.map(presentActivity), pagination: pageOf(result, request) };
  }
}

const isAbout = ({ t: { events } }: Shape, p: ListParams) =>
  and(eq(events.entity_type, p.entity_type!), eq(events.entity_id, p.entity_id!));

/** The events of records of one kind that are attached to the client: of which `seen` tells those that the actor may see. */
function attachedAs(kind: "task" | "file", table: "tasks" | "files", seen: Seen) {
  const ofKind = ({ t: { events } }: Shape, isOne: SQL) =>
    and(eq(events.entity_type, sql.raw(`'${kind}'`)), isOne)!;
  const isIts = ({ t }: Shape, p: ListParams) => eq(t[table].client_id, p.entity_id!);
  return {
    seen,
    has: (shape: Shape, p: ListParams) =>
      ofKind(shape, seen.has(shape, p, shape.t.events.entity_id, isIts(shape, p))),
    /** The same, from the few records of the client on: asking each event of any would take longer with every one. */
    hasFew: (shape: Shape, p: ListParams) =>
      ofKind(shape, sql`${shape.t.events.entity_id} in ${seen.idsOf(shape, p, isIts(shape, p))}`),
  };
}

const unknownClient: FieldError = {
  field: "client_id",
  code: "unknown_client",
  message: "is not a client that you may see",
};

/** A clock that goes a little before ours is no lie. */
const leeway = 5 * minute;

/** What is told of it. @throws Invalid for what does not belong together */
function toldBy({ action, text, happened_at, duration_minutes, direction }: ActivityInput) {
  const errors: FieldError[] = [];
  const at = happened_at === undefined ? now() : instantOf(happened_at);
  if (typeof at === "string") errors.push({ field: "happened_at", code: "invalid_instant", message: at });
  else if (at > now() + leeway)
    errors.push({ field: "happened_at", code: "in_the_future", message: "must not be in the future" });
  if (action === "note" && duration_minutes != null)
    errors.push({ field: "duration_minutes", code: "not_allowed", message: "is for calls and meetings" });
  if (action !== "call" && direction != null)
    errors.push({ field: "direction", code: "not_allowed", message: "is for calls" });
  if (errors.length > 0) throw new Invalid(errors);
  return {
    ...{ text, happened_at: isoTime(at as number) },
    ...(action !== "note" && { duration_minutes: duration_minutes ?? null }),
    ...(action === "call" && { direction: direction ?? null }),
  };
}
