import { Type, type Static } from "@sinclair/typebox";
import { isoTime, isoTimeOrNull } from "../../clock";
import { Body, Id, Instant, Nullable } from "../../http/schema";
import type { NotificationRow } from "./store";
import { notificationTypes, type Channels, type NotificationType } from "./types";

const NotificationTypeSchema = Type.Union(notificationTypes.map((type) => Type.Literal(type)));

/** A notification as the API shows it. */
export const NotificationView = Type.Object(
  {
    id: Type.String(),
    user_id: Type.String(),
    type: NotificationTypeSchema,
    title: Type.String(),
    message: Type.String(),
    link: Nullable(Type.String({ description: "Where it leads in a web client, such as /tasks/<id>." })),
    is_read: Type.Boolean(),
    read_at: Nullable(Instant),
    created_at: Instant,
  },
  { title: "Notification" },
);
export type NotificationView = Static<typeof NotificationView>;

/** How many the caller has not read. */
export const UnreadCount = Type.Object({ count: Type.Integer() }, { title: "UnreadCount" });
export type UnreadCount = Static<typeof UnreadCount>;

const counted = { total: Type.Integer(), unread: Type.Integer() };

/** How many notifications the caller has, of every type. */
export const NotificationStats = Type.Object(
  {
    ...counted,
    read: Type.Integer(),
    by_type: Type.Object(
      Object.fromEntries(notificationTypes.map((type) => [type, Type.Object(counted)])) as Record<
        NotificationType,
        ReturnType<typeof Type.Object<typeof counted>>
      >,
    ),
  },
  { title: "NotificationStats" },
);
export type NotificationStats = Static<typeof NotificationStats>;

const mostAtOnce = 1_000;
const Ids = Type.Array(Id, { minItems: 1, maxItems: mostAtOnce });

/** Which notifications were read: these, or `all` of them. */
export const ReadNotifications = Type.Partial(
  Body({ notification_ids: Ids, all: Type.Literal(true, { description: "must be true" }) }),
  { title: "ReadNotifications", additionalProperties: false },
);
export type ReadNotifications = Static<typeof ReadNotifications>;

/** Which notifications are to go. */
export const NotificationIds = Body({ notification_ids: Ids }, { title: "NotificationIds" });
export type NotificationIds = Static<typeof NotificationIds>;

/** How many became read. */
export const UpdatedCount = Type.Object({ updated: Type.Integer() }, { title: "UpdatedCount" });
export type UpdatedCount = Static<typeof UpdatedCount>;

/** How many are gone. */
export const DeletedCount = Type.Object({ deleted: Type.Integer() }, { title: "DeletedCount" });
export type DeletedCount = Static<typeof DeletedCount>;

const eachChannel = {
  in_app: Type.Boolean(),
  websocket: Type.Boolean(),
  sse: Type.Boolean(),
  mail: Type.Boolean(),
};

/** How the caller is told of one type. */
export const PreferenceView = Type.Object(
  { type: NotificationTypeSchema, ...eachChannel },
  { title: "NotificationPreference" },
);
export type PreferenceView = Static<typeof PreferenceView>;

/** How one type is to be told from now on; a channel that is left out stays as it is. */
export const PreferenceInput = Type.Composite(
  [Body({ type: NotificationTypeSchema }), Type.Partial(Body(eachChannel))],
  { title: "NotificationPreferenceInput", additionalProperties: false },
);
export type PreferenceInput = Static<typeof PreferenceInput>;

/** The row as the API shows it. */
export const presentNotification = (row: NotificationRow): NotificationView => ({
  id: row.id,
  user_id: row.user_id,
  type: row.type as NotificationType,
  title: row.title,
  message: row.message,
  link: row.link,
  is_read: row.is_read,
  read_at: isoTimeOrNull(row.read_at),
  created_at: isoTime(row.created_at),
});

/** A choice as the API shows it. */
export const presentPreference = (
  type: NotificationType,
  { in_app, websocket, sse, mail }: Channels,
): PreferenceView => ({ type, in_app, websocket, sse, mail });
