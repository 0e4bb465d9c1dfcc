/** What people are told about. */
export const notificationTypes = [
  "task_assigned",
  "task_unassigned",
  "task_due_soon",
  "task_overdue",
  "task_completed",
  "task_reminder",
  "client_assigned",
  "client_changed",
  "file_shared",
  "mention",
  "job_finished",
  "backup_failed",
  "security",
] as const;
/** One of `notificationTypes`. */
export type NotificationType = (typeof notificationTypes)[number];

/** The ways in which somebody is told: in their list, over an open connection of either kind, and by mail. */
export const channels = ["in_app", "websocket", "sse", "mail"] as const;
/** For each of `channels`, whether it is used. */
export type Channels = Record<(typeof channels)[number], boolean>;

/** What cannot wait until somebody looks. */
const mailed = new Set<NotificationType>([
  "task_assigned",
  "task_due_soon",
  "task_overdue",
  "task_reminder",
  "mention",
  "backup_failed",
  "security",
]);

/** What somebody gets of a type as long as they did not choose otherwise. */
export const channelsAtFirst = (type: NotificationType): Channels => ({
  ...{ in_app: true, websocket: true, sse: true },
  mail: mailed.has(type),
});

/** Whoever took over an account would switch these off first. */
export const isAlwaysOn = (type: NotificationType): boolean => type === "security";
