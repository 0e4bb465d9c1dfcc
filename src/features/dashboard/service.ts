import { isoTime, now } from "../../clock";
import type { Counted } from "../../db/spans";
import type { Actor } from "../../policy";
import type { ActivityService } from "../activities/service";
import type { ClientService } from "../clients/service";
import type { FileService } from "../files/service";
import type { NotificationService } from "../notifications/service";
import type { TaskService } from "../tasks/service";
import { startOf, type Range } from "./range";
import type { ClientEngagement, DashboardStats, TaskCompletion, UserActivity } from "./schema";

/** What the dashboard shows. */
export interface DashboardOptions {
  clients: ClientService;
  tasks: TaskService;
  files: FileService;
  notifications: NotificationService;
  activities: ActivityService;
}

/** Figures about what the actor may see, with days and weeks as their time zone has them. */
export class DashboardService {
  constructor(private readonly options: DashboardOptions) {}

  /** How much there is. */
  async stats(actor: Actor): Promise<DashboardStats> {
    const { clients, tasks, files, notifications } = this.options;
    const monday = startOf(now(), "week", actor.timeZone).epochMilliseconds;
    const { total, active, added } = await clients.counts(actor, monday);
    const counted = await tasks.stats(actor, []);
    const { completed, pending, overdue, due_today } = counted;
    const { count: unread } = await notifications.unread(actor);
    return {
      clients: { total, active, new_this_week: added },
      tasks: { total: counted.total, completed, pending, overdue, due_today },
      files: await files.counts(actor),
      notifications: { unread },
    };
  }

  /** How many tasks were made and done. */
  async taskCompletion(actor: Actor, range: Range): Promise<TaskCompletion> {
    const counted = await this.options.tasks.completion(actor, range.spans);
    return seriesOf(range, (_, i) => counted[i]!);
  }

  /** What happened with clients. */
  async clientEngagement(actor: Actor, range: Range): Promise<ClientEngagement> {
    const counted = bySpan(await this.options.activities.countByType(actor, range.spans));
    return seriesOf(range, ({ since }) => {
      const of = (...types: string[]) => sum(counted(since).filter(({ group }) => types.includes(group)));
      return {
        added: of("client.created"),
        changed: of("client.updated", "client.deleted", "client.restored"),
        notes: of("client.note"),
        calls: of("client.call"),
        meetings: of("client.meeting"),
      };
    });
  }

  /** How much each did. */
  async userActivity(actor: Actor, range: Range): Promise<UserActivity> {
    const counted = bySpan(await this.options.activities.countByActor(actor, range.spans));
    return seriesOf(range, ({ since }) => {
      const acts = counted(since).toSorted((a, b) => b.total - a.total || (a.group < b.group ? -1 : 1));
      const by_user = acts.map(({ group, total }) => ({ id: group, actions: total }));
      return { actions: sum(acts), users: acts.length, by_user };
    });
  }
}

const sum = (counted: Counted[]) => counted.reduce((total, each) => total + each.total, 0);

function bySpan(counted: Counted[]): (since: number) => Counted[] {
  const spans = Map.groupBy(counted, ({ since }) => since);
  return (since) => spans.get(since) ?? [];
}

const seriesOf = <Figures>(
  { by, spans }: Range,
  figures: (span: Range["spans"][number], i: number) => Figures,
) => ({
  from: isoTime(spans[0]!.since),
  to: isoTime(spans.at(-1)!.until),
  by,
  data: spans.map((span, i) => ({ date: span.date, ...figures(span, i) })),
});
