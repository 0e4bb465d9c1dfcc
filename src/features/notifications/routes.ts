import { Elysia } from "elysia";
import { noContent, plain } from "../../http/answer";
import type { HttpKit } from "../../http/kit";
import { IdParams, NoBody, PageOf } from "../../http/schema";
import { notificationFields } from "./fields";
import {
  DeletedCount,
  NotificationIds,
  NotificationStats,
  NotificationView,
  PreferenceInput,
  PreferenceView,
  ReadNotifications,
  UnreadCount,
  UpdatedCount,
} from "./schema";
import type { NotificationService } from "./service";

/** What people were told, and how they want to be. */
export const notificationRoutes = (kit: HttpKit, notifications: NotificationService) =>
  new Elysia({ prefix: "/api/notifications", tags: ["Notifications"] })
    .use(kit)
    .get("", ({ actor, list }) => notifications.list(actor, list), {
      permission: "signed-in",
      list: notificationFields,
      returns: PageOf(NotificationView),
      detail: { summary: "List your notifications" },
    })
    .get("/unread-count", ({ actor }) => notifications.unread(actor), {
      permission: "signed-in",
      returns: UnreadCount,
      detail: { summary: "Count what you have not read" },
    })
    .get("/stats", ({ actor }) => notifications.stats(actor), {
      permission: "signed-in",
      returns: NotificationStats,
      detail: { summary: "Count your notifications by type" },
    })
    .post("/mark-read", ({ actor, body }) => notifications.read(actor, body), {
      permission: "signed-in",
      body: ReadNotifications,
      answer: plain,
      returns: UpdatedCount,
      problems: ["not_found"],
      example: { all: true },
      detail: { summary: "Mark notifications as read, or all of them" },
    })
    .post("/mark-read/all", ({ actor }) => notifications.readAll(actor), {
      permission: "signed-in",
      body: NoBody,
      answer: plain,
      returns: UpdatedCount,
      example: {},
      detail: { summary: "Mark everything as read" },
    })
    .post("/bulk-delete", ({ actor, body }) => notifications.delete(actor, body.notification_ids), {
      permission: "signed-in",
      body: NotificationIds,
      answer: plain,
      returns: DeletedCount,
      problems: ["not_found"],
      walk: { needs: ["notifications_id"] },
      example: { notification_ids: ["{{notifications_id}}"] },
      detail: { summary: "Remove notifications" },
    })
    .delete("/read", ({ actor }) => notifications.deleteRead(actor), {
      permission: "signed-in",
      body: NoBody,
      answer: noContent,
      example: {},
      detail: { summary: "Remove what you have read" },
    })
    .delete("/:id", async ({ actor, params }) => void (await notifications.delete(actor, [params.id])), {
      permission: "signed-in",
      params: IdParams,
      body: NoBody,
      answer: noContent,
      walk: { needs: ["notifications_id"] },
      example: {},
      detail: { summary: "Remove one notification" },
    })
    .get("/preferences", ({ actor }) => notifications.preferences(actor), {
      permission: "signed-in",
      returns: PageOf(PreferenceView),
      detail: { summary: "How you are told of what" },
    })
    .post("/preferences", ({ actor, body }) => notifications.prefer(actor, body), {
      permission: "signed-in",
      body: PreferenceInput,
      answer: plain,
      returns: PreferenceView,
      example: { type: "client_changed", mail: true, sse: false },
      detail: { summary: "Choose how you are told of a type" },
    });
