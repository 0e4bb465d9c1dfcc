import { now } from "../../clock";
import { revived } from "../../db/rebuild";
import { countIn, type Span } from "../../db/spans";
import type { Session, Store } from "../../db/store";
import { Invalid, type FieldError } from "../../errors";
import type { IfMatch } from "../../events/current";
import { noId } from "../../events/replay";
import { instantOf, yearProblem } from "../../instants";
import type { Filter } from "../../list";
import type { Actor } from "../../policy";
import { ManyRecordService } from "../../many-records";
import type { OwnPolicy } from "../../own-policy";
import type { Match, NewRecord, RecordKind } from "../../record-kind";
import { tidy } from "../../text";
import { WrittenRecords } from "../../written-records";
import { account, assertAssignable } from "../users/accounts";
import { remakeAlarms, rings, setAlarms, setNewAlarms } from "./alarms";
import { taskFields } from "./fields";
import { nextOccurrence, recurrenceRule } from "./recurrence";
import { searchedOfTask, taskSearch } from "./search";
import { presentTask, type TaskInput, type TaskPatch, type TaskStats, type TaskView } from "./schema";
import { countTasks } from "./stats";
import {
  insertTask,
  insertTasks,
  rebuildTask,
  taskById,
  tasksById,
  clientsOfTasks,
  tasksAfter,
  taskColumns,
  tasksOfClient,
  tasksWithExternalIds,
  taskWithExternalId,
  updateTask,
  wholeTask,
  type TaskRow,
} from "./store";
import { assertMove, completedAt } from "./transitions";

const taskKind = (dueSoonHours: () => number): RecordKind<TaskRow, TaskView> => ({
  name: "task",
  resource: { fields: taskFields, columns: taskColumns },
  unique: [
    {
      field: "external_id",
      column: "tasks.external_id",
      holder: (session, { external_id }) => taskWithExternalId.first(session, { value: external_id! }),
      many: {
        key: ({ external_id }) => external_id,
        holders: (session, values) => tasksWithExternalIds.all(session, { values }),
      },
    },
  ],
  find: (session, id) => taskById.first(session, { id }),
  findMany: (session, ids) => tasksById.all(session, { ids }),
  async insert(session, row) {
    await insertTask.all(session, wholeTask(row));
    await taskSearch.put(session, row.id, searchedOfTask(row));
    await setAlarms(session, null, row, dueSoonHours());
  },
  async insertMany(session, rows) {
    await insertTasks(session, rows.map(wholeTask));
    await taskSearch.putNew(
      session,
      rows.map((row) => ({ id: row.id, searched: searchedOfTask(row) })),
    );
    await setNewAlarms(session, rows, dueSoonHours());
  },
  async update(session, before, after) {
    await updateTask(session, before, wholeTask(after));
    const searched = searchedOfTask(after);
    if (!Bun.deepEquals(searchedOfTask(before), searched)) await taskSearch.put(session, after.id, searched);
    await setAlarms(session, before, after, dueSoonHours());
  },
  present: presentTask,
  searched: searchedOfTask,
  async rebuild(session, told, pass) {
    const row = revived("tasks", told);
    const difference = await rebuildTask(session, wholeTask(row), pass);
    if (pass === "release") return difference;
    // They are told by no event: those of a row that was missing went with it.
    await remakeAlarms(session, row, dueSoonHours());
    await taskSearch.assure(session, row.id, searchedOfTask(row));
    return difference;
  },
});

/** Whether there is a live client with this id that the actor may see: what tasks ask of clients. */
export type SeesClient = (session: Session, actor: Actor, id: string) => Promise<boolean>;

/** What may happen to a task, and what happens with it. */
export class TaskService extends ManyRecordService<TaskRow, TaskView, TaskInput, TaskPatch> {
  /** @param dueSoonHours how long before it is due a task rings; 0 is not at all */
  constructor(
    store: Store,
    policy: OwnPolicy<TaskRow>,
    private readonly seesClient: SeesClient,
    private readonly dueSoonHours: () => number,
  ) {
    const kind = taskKind(dueSoonHours);
    super(store, policy, kind);
    this.written = new WrittenRecords({ store, policy, ...kind, records: this });
  }

  /** For those who only pass their JSON on. */
  readonly written: WrittenRecords<TaskRow, TaskView>;

  /** The fields by which tasks are found that are there already. */
  readonly matches: Readonly<Record<string, Match>> = {
    external_id: {
      key: (text) => text.trim(),
      holders: (session, values) => tasksWithExternalIds.all(session, { values }),
    },
  };

  /**
   * Marks a task as done; one that is done stays as it is.
   * @throws Conflict `invalid_transition` when it is cancelled; otherwise as `change` does
   */
  complete(actor: Actor, id: string, ifMatch: IfMatch): Promise<TaskView> {
    return this.change(actor, id, { status: "done" }, ifMatch);
  }

  /** Counts the tasks that the actor may see and the filters let through. */
  stats(actor: Actor, filters: readonly Filter[]): Promise<TaskStats> {
    return countTasks(this.store, filters, this.policy.readable(actor), actor.timeZone);
  }

  /** Changes a task within a transaction. One that comes back makes its next one when it is done, which goes on with the rule. */
  override async update(
    ...given: Parameters<ManyRecordService<TaskRow, TaskView, TaskInput, TaskPatch>["update"]>
  ) {
    const [session, actor, action, before, change, at = now()] = given;
    const isDone = change.status === "done" && before.status !== "done";
    const next = isDone ? await nextTask(session, { ...before, ...change }) : undefined;
    if (!next) return super.update(...given);
    const done = { ...change, recurrence: null };
    const view = await super.update(session, actor, action, before, done, at);
    await this.insert(session, actor, next, at);
    return view;
  }

  /** How many of the tasks that the actor may see were made, and done, in each span of time. */
  async completion(actor: Actor, spans: readonly Span[]): Promise<{ created: number; completed: number }[]> {
    const scope = this.policy.readable(actor);
    const [created, completed] = await Promise.all([
      countIn(this.store, spans, "tasks", "created_at", scope),
      countIn(this.store, spans, "tasks", "completed_at", scope),
    ]);
    return spans.map(({ since }) => ({
      created: created.find((each) => each.since === since)?.total ?? 0,
      completed: completed.find((each) => each.since === since)?.total ?? 0,
    }));
  }

  /** Those of some clients (a JSON array of ids) that any task, live or deleted, is for. */
  clientsAmong = async (session: Session, ids: string): Promise<Set<string>> =>
    new Set((await clientsOfTasks.all(session, { ids })).map(({ id }) => id!));

  /** Makes the alarms of tasks from before there were any; of others, they stay as they are. */
  async makeAlarms(): Promise<void> {
    for (let id = noId; ;) {
      const rows = await tasksAfter.all(this.store.aside("alarms"), { id, most: tasksAtOnce });
      const ringing = rows.filter((row) => rings(row, this.dueSoonHours()));
      if (ringing.length > 0)
        await this.store.tx(async (session) => {
          for (const { id } of ringing) {
            // It may have changed since, and then has its alarms.
            const row = await taskById.first(session, { id });
            if (row) await remakeAlarms(session, row, this.dueSoonHours());
          }
        });
      if (rows.length < tasksAtOnce) return;
      id = rows.at(-1)!.id;
    }
  }

  /**
   * Takes some tasks, live or deleted, from a client that is about to be removed for good, within a transaction.
   * @returns how many they were: fewer than `most` when there are no more
   */
  async leaveClient(session: Session, actor: Actor, client_id: string, most: number): Promise<number> {
    const rows = await tasksOfClient.all(session, { client_id, most });
    for (const row of rows) await this.update(session, actor, "updated", row, { client_id: null });
    return rows.length;
  }

  protected async begin(session: Session, actor: Actor, input: TaskInput, at: number) {
    const known = fieldsOf(input);
    await assertAssignable(session, known.assigned_to);
    await this.#assertClient(session, actor, known.client_id);
    const made = { ...blank, ...known };
    const recurrence = ruleOf(made);
    return {
      ...made,
      recurrence,
      completed_at: completedAt(made.status, null, at),
      created_by: actor.userId!,
    };
  }

  protected async revise(session: Session, actor: Actor, before: TaskRow, patch: TaskPatch, at: number) {
    const change = fieldsOf(patch);
    if (change.assigned_to !== before.assigned_to) await assertAssignable(session, change.assigned_to);
    if (change.client_id !== before.client_id) await this.#assertClient(session, actor, change.client_id);
    const counts = change.recurrence !== undefined || change.due_date !== undefined;
    const rule = counts ? { recurrence: ruleOf({ ...before, ...change }) } : {};
    return moved(before, { ...change, ...rule }, at);
  }

  async #assertClient(session: Session, actor: Actor, id: string | null | undefined): Promise<void> {
    if (id == null || (await this.seesClient(session, actor, id))) return;
    throw new Invalid([
      { field: "client_id", code: "unknown_client", message: "is not a client that you may see" },
    ]);
  }
}

const tasksAtOnce = 100;

const blank = {
  external_id: null,
  description: null,
  status: "todo",
  priority: "medium",
  assigned_to: null,
  client_id: null,
  due_date: null,
  remind_at: null,
  recurrence: null,
} satisfies Partial<NewRecord<TaskRow>>;

/** What comes after a task that is done: the same once more, as often as its rule says. */
async function nextTask(session: Session, done: TaskRow): Promise<NewRecord<TaskRow> | undefined> {
  const { recurrence, due_date, remind_at } = done;
  if (recurrence === null || due_date === null) return undefined;
  // A rule is meant in the time zone of who made it: Monday at nine stays at nine all year.
  const timeZone = (await account(session, done.created_by))?.time_zone ?? "UTC";
  const next = nextOccurrence(recurrence, due_date, timeZone);
  if (!next) return undefined;
  const { title, description, priority, assigned_to, client_id, created_by } = done;
  return {
    ...blank,
    ...{ title, description, priority, assigned_to, client_id, created_by, completed_at: null },
    ...{ due_date: next.at, recurrence: next.rule },
    remind_at: remind_at === null ? null : withinYears(remind_at + (next.at - due_date)),
  };
}

/** An instant, or nothing where it is beyond the years that can be kept. */
const withinYears = (instant: number): number | null => (yearProblem(instant) === undefined ? instant : null);

/** The fields in the form they are stored in; the description keeps its blanks. @throws Invalid for bad instants */
function fieldsOf<Given extends TaskPatch>(given: Given) {
  const { due_date, remind_at, ...others } = tidy<TaskPatch & Given>(given, {
    keep: ["description"],
    ids: ["assigned_to", "client_id"],
  });
  const errors: FieldError[] = [];
  const read = (field: string, text: string | null): number | null => {
    const instant = text === null ? null : instantOf(text);
    if (typeof instant !== "string") return instant;
    errors.push({ field, code: "invalid_instant", message: instant });
    return null;
  };
  const instants = {
    ...(due_date !== undefined && { due_date: read("due_date", due_date) }),
    ...(remind_at !== undefined && { remind_at: read("remind_at", remind_at) }),
  };
  if (errors.length > 0) throw new Invalid(errors);
  return { ...others, ...instants };
}

/** A change with what follows from its status. @throws Conflict for a move that is not allowed */
function moved(before: TaskRow, change: Partial<TaskRow>, at: number): Partial<TaskRow> {
  const { status } = change;
  if (status === undefined) return change;
  assertMove(before.status, status);
  return { ...change, completed_at: completedAt(status, before.completed_at, at) };
}

/** The rule by which a task comes back, counted from when it was due. @throws Invalid naming `recurrence` */
function ruleOf({ recurrence, due_date }: Pick<TaskRow, "recurrence" | "due_date">): string | null {
  if (recurrence === null) return null;
  const rule = due_date === null ? undefined : recurrenceRule(recurrence, due_date);
  if (rule !== undefined) return rule;
  const [code, message] =
    due_date === null
      ? (["needs_due_date", "needs a due_date to count from"] as const)
      : ([
          "invalid_format",
          "must be an RRULE (RFC 5545) that comes true, such as FREQ=WEEKLY;BYDAY=MO",
        ] as const);
  throw new Invalid([{ field: "recurrence", code, message }]);
}
