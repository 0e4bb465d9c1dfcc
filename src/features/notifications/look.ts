import type { RecordOf } from "../../db/rows";
import type { Session } from "../../db/store";
import type { SequencedEvent } from "../../events/consumer";
import type { Actor } from "../../policy";
import { account, actorOf, type UserRow } from "../users/accounts";
import type { FileRow } from "../files/policy";
import type { Notice } from "./notify";

type ClientRow = RecordOf<"clients">;
type TaskRow = RecordOf<"tasks">;

/** Records of one kind, as somebody sees them. */
interface Seen<Row> {
  /** The live record with this id, whoever asks. */
  current(session: Session, id: string): Promise<Row | undefined>;
  /** Whether the actor may see it. */
  shows(actor: Actor, row: Row): boolean;
}

/** What notifications are about. */
export interface Records {
  clients: Seen<ClientRow>;
  tasks: Seen<TaskRow>;
  files: Seen<FileRow>;
}

/** Stands in the place of a name where nobody in particular acted. */
const nobody = "Neo CRM";

/** The people of one transaction, each looked up once. */
export class People {
  readonly #accounts = new Map<string, Promise<UserRow | undefined>>();
  readonly #actors = new Map<string, Promise<Actor | undefined>>();

  constructor(private readonly session: Session) {}

  /** The account with this id, if there is one. */
  account(id: string): Promise<UserRow | undefined> {
    return this.#accounts.getOrInsertComputed(id, () => account(this.session, id));
  }

  /** Whoever has this account, as somebody who looks at something; nobody once it is closed. */
  actor(id: string): Promise<Actor | undefined> {
    return this.#actors.getOrInsertComputed(id, async () => {
      const user = await this.account(id);
      return user?.is_active ? actorOf(this.session, user, lookingOn) : undefined;
    });
  }
}

/** Whoever is told does nothing themselves, so nothing is recorded under this. */
const lookingOn = "notifications";

/** An event, and what can be seen of its record now. Each record is read once, however many are told of it. */
export class Look {
  #task: Promise<TaskRow | undefined> | undefined;
  #client: Promise<ClientRow | undefined> | undefined;
  #file: Promise<FileRow | undefined> | undefined;

  constructor(
    readonly session: Session,
    readonly event: SequencedEvent,
    private readonly records: Records,
    private readonly people: People,
  ) {}

  /** The value of a field before and after. */
  change(field: string): [before: string | null, after: string | null] {
    const [before, after] = this.event.changes[field] ?? [null, null];
    return [before as string | null, after as string | null];
  }

  /** The task, whoever asks. */
  task(): Promise<TaskRow | undefined> {
    return (this.#task ??= this.records.tasks.current(this.session, this.event.entity_id));
  }

  /** The client, whoever asks. */
  client(): Promise<ClientRow | undefined> {
    return (this.#client ??= this.records.clients.current(this.session, this.event.entity_id));
  }

  /** The file, whoever asks. */
  file(): Promise<FileRow | undefined> {
    return (this.#file ??= this.records.files.current(this.session, this.event.entity_id));
  }

  /** The task, if this user may see it and it was not they who did this: nobody is told of their own act. */
  taskOf(userId: string): Promise<TaskRow | undefined> {
    return this.#shownTo(userId, this.records.tasks, () => this.task());
  }

  /** The client, likewise. */
  clientOf(userId: string): Promise<ClientRow | undefined> {
    return this.#shownTo(userId, this.records.clients, () => this.client());
  }

  /** The file, likewise. */
  fileOf(userId: string): Promise<FileRow | undefined> {
    return this.#shownTo(userId, this.records.files, () => this.file());
  }

  /** What whoever did it is called. */
  async actorName(): Promise<string> {
    const { actor_kind, actor_id } = this.event;
    if (actor_kind !== "user" || actor_id === null) return nobody;
    return (await this.people.account(actor_id))?.full_name ?? nobody;
  }

  /** What a user is told about it, with the way to the record. */
  notice(userId: string, told: Pick<Notice, "type" | "title" | "message">): Notice {
    const { actor_kind, actor_id, entity_type, entity_id } = this.event;
    const actorId = actor_kind === "user" ? actor_id : null;
    return { userId, actorId, link: `/${entity_type}s/${entity_id}`, ...told };
  }

  async #shownTo<Row>(
    userId: string,
    records: Seen<Row>,
    find: () => Promise<Row | undefined>,
  ): Promise<Row | undefined> {
    const { actor_kind, actor_id } = this.event;
    const isOwnAct = actor_kind === "user" && actor_id === userId;
    const actor = isOwnAct ? undefined : await this.people.actor(userId);
    const row = actor && (await find());
    return actor && row && records.shows(actor, row) ? row : undefined;
  }
}
