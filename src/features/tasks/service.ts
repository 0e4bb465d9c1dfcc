import { revived } from "../../db/rebuild";
import { countIn, type Span } from "../../db/spans";
import type { Session, Store } from "../../db/store";
import { Invalid, type FieldError } from "../../errors";
import type { IfMatch } from "../../events/current";
import { instantOf } from "../../instants";
import type { Filter } from "../../list";
import type { Actor } from "../../policy";
import { RecordService, type NewRecord, type RecordKind, type RecordPolicy } from "../../records";
import { tidy } from "../../text";
import { assertAssignable } from "../users/accounts";
import { taskFields } from "./fields";
import { recurrenceRule } from "./recurrence";
import { presentTask, type TaskInput, type TaskPatch, type TaskStats, type TaskView } from "./schema";
import { countTasks } from "./stats";
import {
  insertTask,
  rebuildTask,
  taskById,
  taskColumns,
  tasksOfClient,
  taskWithExternalId,
  updateTask,
  wholeTask,
  type TaskRow,
} from "./store";
import { assertMove, completedAt } from "./transitions";

const taskKind: RecordKind<TaskRow, TaskView> = {
  name: "task",
  resource: { fields: taskFields, columns: taskColumns },
  unique: [
    {
      field: "external_id",
      column: "tasks.external_id",
      holder: (session, { external_id }) => taskWithExternalId.first(session, { value: external_id! }),
    },
  ],
  find: (session, id) => taskById.first(session, { id }),
  insert: async (session, row) => void (await insertTask.all(session, wholeTask(row))),
  update: (session, before, after) => updateTask(session, before, wholeTask(after)),
  present: presentTask,
  rebuild: (session, told, pass) => rebuildTask(session, wholeTask(revived("tasks", told)), pass),
};

/** Whether there is a live client with this id that the actor may see: what tasks ask of clients. */
export type SeesClient = (session: Session, actor: Actor, id: string) => Promise<boolean>;

/** What may happen to a task, and what happens with it. */
export class TaskService extends RecordService<TaskRow, TaskView, TaskInput, TaskPatch> {
  constructor(
    store: Store,
    policy: RecordPolicy<TaskRow>,
    private readonly seesClient: SeesClient,
  ) {
    super(store, policy, taskKind);
  }

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
