import { now, second } from "../../clock";
import type { Session, Store } from "../../db/store";
import { newId } from "../../ids";
import { logOf } from "../../ops/logging";
import { notify, type Notice } from "../notifications/notify";
import { account, actorOf, type UserRow } from "../users/accounts";
import type { TaskService } from "./service";
import { dueAlarm, takeDueAlarms, type AlarmRow, type TaskRow } from "./store";

const log = logOf("events");

/** What ringing depends on. */
export interface AlarmClockOptions {
  store: Store;
  tasks: Pick<TaskService, "current" | "seen">;
  /** Called after the commit, for each user who has something new. */
  ring(userId: string): void;
}

/** So many are told in one transaction. */
const mostAtOnce = 100;
const everyMs = second;

/**
 * Tells people about their tasks when the time comes. An alarm is gone with the transaction that tells of it, so each
 * rings once, in whatever process; what was due while none ran rings when one does.
 */
export class AlarmClock {
  #isRunning = false;
  #isFailing = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pass: Promise<void> = Promise.resolve();

  constructor(private readonly options: AlarmClockOptions) {}

  /** Looks every second from now on: by what the clock says then, wherever somebody has set it. */
  start(): void {
    this.#isRunning = true;
    this.#next(0);
  }

  /** Resolves once nothing goes on any more. */
  async close(): Promise<void> {
    this.#isRunning = false;
    clearTimeout(this.#timer);
    await this.#pass;
  }

  /** Rings what is due, up to a hundred; gives how many it was. */
  async ringDue(): Promise<number> {
    const { store, ring } = this.options;
    if (!(await dueAlarm.first(store.read, { at: now() }))) return 0;
    const { taken, told } = await store.tx(async (session) => {
      const taken = await takeDueAlarms.all(session, { at: now(), most: mostAtOnce });
      const told = new Set<string>();
      for (const alarm of taken.toSorted((a, b) => a.at - b.at)) {
        const notice = await this.#noticeOf(session, alarm);
        if (notice && (await notify(session, notice))) told.add(notice.userId);
      }
      return { taken: taken.length, told };
    });
    for (const userId of told) ring(userId);
    return taken;
  }

  #next(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#pass = this.#ringAll();
    }, ms);
  }

  async #ringAll(): Promise<void> {
    try {
      while (this.#isRunning && (await this.ringDue()) === mostAtOnce);
      this.#isFailing = false;
    } catch (error) {
      // It is tried again every second, and said once.
      if (!this.#isFailing) log.error("Nobody could be told of their tasks", { error });
      this.#isFailing = true;
    }
    if (this.#isRunning) this.#next(everyMs);
  }

  /** Told to whoever has the task, or else to who made it. */
  async #noticeOf(
    session: Session,
    { task_id, kind }: Pick<AlarmRow, "task_id" | "kind">,
  ): Promise<Notice | undefined> {
    const { tasks } = this.options;
    const task = await tasks.current(session, task_id);
    const user = task && (await account(session, task.assigned_to ?? task.created_by));
    if (!task || !user?.is_active) return undefined;
    const actor = await actorOf(session, user, `alarm-${newId()}`);
    if (!(await tasks.seen(session, actor, task_id))) return undefined;
    const said = words(kind, task, user);
    return said && { userId: user.id, actorId: null, link: `/tasks/${task_id}`, ...said };
  }
}

/** Nothing where it is too late to say so. */
function words(
  kind: AlarmRow["kind"],
  { title, due_date }: TaskRow,
  user: UserRow,
): Pick<Notice, "type" | "title" | "message"> | undefined {
  const due = due_date === null ? "" : written(due_date, user);
  switch (kind) {
    case "reminder":
      return {
        ...{ type: "task_reminder", title: `Remember: ${title}` },
        message: due_date === null ? "It has no due date." : `It is due ${due}.`,
      };
    case "due_soon":
      if (due_date === null || due_date <= now()) return undefined;
      return { type: "task_due_soon", title: `Due soon: ${title}`, message: `It is due ${due}.` };
    case "overdue":
      return { type: "task_overdue", title: `Overdue: ${title}`, message: `It was due ${due}.` };
  }
}

/** An instant as its reader writes it. */
const written = (instant: number, { locale, time_zone }: UserRow): string =>
  new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short", timeZone: time_zone }).format(
    instant,
  );
