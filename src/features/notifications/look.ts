import type { RecordOf } from "../../db/rows";
import type { Session } from "../../db/store";
import type { SequencedEvent } from "../../events/consumer";
import type { Actor } from "../../policy";
import { account, actorOf } from "../users/accounts";
import type { Notice } from "./notify";

type ClientRow = RecordOf<"clients">;
type TaskRow = RecordOf<"tasks">;

/** Records of one kind, as somebody sees them. */
interface Seen<Row> {
  /** The live record with this id, if the actor may see it. */
  seen(session: Session, actor: Actor, id: string): Promise<Row | undefined>;
  /** The live record with this id, whoever asks. */
  current(session: Session, id: string): Promise<Row | undefined>;
}

/** What notifications are about. */
export interface Records {
  clients: Seen<ClientRow>;
  tasks: Seen<TaskRow>;
}

/** Stands in the place of a name where nobody in particular acted. */
const nobody = "Neo CRM";

/** An event, and what can be seen of its record now. */
export class Look {
  constructor(
    readonly session: Session,
    readonly event: SequencedEvent,
    private readonly records: Records,
  ) {}

  /** The value of a field before and after. */
  change(field: string): [before: string | null, after: string | null] {
    const [before, after] = this.event.changes[field] ?? [null, null];
    return [before as string | null, after as string | null];
  }

  /** The task, whoever asks. */
  task = (): Promise<TaskRow | undefined> => this.records.tasks.current(this.session, this.event.entity_id);

  /** The client, whoever asks. */
  client = (): Promise<ClientRow | undefined> =>
    this.records.clients.current(this.session, this.event.entity_id);

  /** The task, if this user may see it. */
  taskOf = (userId: string): Promise<TaskRow | undefined> => this.#seenBy(this.records.tasks, userId);

  /** The client, if this user may see it. */
  clientOf = (userId: string): Promise<ClientRow | undefined> => this.#seenBy(this.records.clients, userId);

  /** What whoever did it is called. */
  async actorName(): Promise<string> {
    const { actor_kind, actor_id } = this.event;
    if (actor_kind !== "user" || actor_id === null) return nobody;
    return (await account(this.session, actor_id))?.full_name ?? nobody;
  }

  /** What a user is told about it, with the way to the record. */
  notice(userId: string, told: Pick<Notice, "type" | "title" | "message">): Notice {
    const { actor_kind, actor_id, entity_type, entity_id } = this.event;
    const actorId = actor_kind === "user" ? actor_id : null;
    return { userId, actorId, link: `/${entity_type}s/${entity_id}`, ...told };
  }

  async #seenBy<Row>(records: Seen<Row>, userId: string): Promise<Row | undefined> {
    const { session, event } = this;
    const user = await account(session, userId);
    if (!user?.is_active) return undefined;
    return records.seen(session, await actorOf(session, user, event.request_id), event.entity_id);
  }
}
