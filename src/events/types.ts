import type { EntityType } from "./record";

/** What events tell of, all of it. */
export const entityTypes = [
  "client",
  "task",
  "folder",
  "file",
  "user",
  "session",
  "setting",
] as const satisfies readonly EntityType[];

/** What is logged by hand on a client. */
export const talks = ["note", "call", "meeting"] as const;

/** Of files: they were given to people outside, and looked at there. */
export const shareTypes = [
  ...["file.shared", "file.share_revoked", "file.share_opened", "file.share_previewed"],
  ...["file.share_downloaded", "file.share_refused"],
] as const;

/** Every type that an event can have: what a list of them can be asked for. */
export const eventTypes = [
  ...["client.created", "client.updated", "client.deleted", "client.restored"],
  ...["client.purged", "client.snapshot", "task.purged", "task.snapshot"],
  ...["client.note", "client.call", "client.meeting"],
  ...["task.created", "task.updated", "task.deleted", "task.restored"],
  ...["folder.created", "folder.updated", "folder.deleted", "folder.restored"],
  ...["file.created", "file.updated", "file.deleted", "file.restored"],
  ...shareTypes,
  ...["folder.purged", "folder.snapshot", "file.purged", "file.snapshot"],
  ...["user.created", "user.updated", "user.role_changed", "user.password_changed"],
  ...["user.invited", "user.email_verified", "user.activated", "user.deactivated"],
  ...["user.sign_in_failed", "user.sign_in_refused"],
  ...["session.created", "session.refreshed", "session.ended"],
  "setting.updated",
] as const;

/** What happened to what: `client.updated`. One that is not listed cannot be recorded. */
export type EventType = (typeof eventTypes)[number];

/** Of accounts: somebody tried to come in. */
export const attempts = ["user.sign_in_failed", "user.sign_in_refused"] as const;

/**
 * They tell something about a record and change nothing of it, so they carry the version that it has already: what
 * their `changes` hold is their own.
 */
export const remarks: ReadonlySet<string> = new Set<EventType>([
  ...talks.map((talk) => `client.${talk}` as const),
  ...attempts,
  ...shareTypes,
]);

/** Whether an event of this type leaves its record as it was. */
export const isRemark = (type: string): boolean => remarks.has(type);

/** What happened, without to what: `client.updated` → `updated`. */
export const actionOf = (type: string): string => type.slice(type.indexOf(".") + 1);

/** Whether an event tells how somebody came in, stayed in or left, or tried to come in. */
export const isSignIn = ({ entity_type, type }: { entity_type: string; type: string }): boolean =>
  entity_type === "session" || (attempts as readonly string[]).includes(type);
