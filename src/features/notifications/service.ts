import { now } from "../../clock";
import { listPage, pageOf } from "../../db/list";
import type { Session, Store } from "../../db/store";
import { write } from "../../db/write";
import { Invalid, NotFound } from "../../errors";
import { newId } from "../../ids";
import { onePage, type ListRequest, type Page } from "../../list";
import type { Actor } from "../../policy";
import { wantedChannels } from "./notify";
import {
  presentNotification,
  presentPreference,
  type DeletedCount,
  type NotificationStats,
  type NotificationView,
  type PreferenceInput,
  type PreferenceView,
  type ReadNotifications,
  type UnreadCount,
  type UpdatedCount,
} from "./schema";
import {
  countByType,
  countUnread,
  deleteAmong,
  deleteRead,
  insertPreference,
  listedNotifications,
  markAllRead,
  markRead,
  notificationsOf,
  ownAmong,
  preferenceOf,
  preferencesOf,
  updatePreference,
} from "./store";
import { channels, channelsAtFirst, isAlwaysOn, notificationTypes } from "./types";

/** What people were told, and how they want to be told. Everybody has their own, and reaches nobody else's. */
export class NotificationService {
  constructor(private readonly store: Store) {}

  /** One page of the caller's notifications. */
  async list(actor: Actor, request: ListRequest): Promise<Page<NotificationView>> {
    const scopes = [notificationsOf(actor.userId!)];
    const result = await listPage(this.store, listedNotifications, request, scopes);
    return { data: result.rows.map(presentNotification), pagination: pageOf(result, request) };
  }

  /** How many the caller has not read. */
  async unread(actor: Actor): Promise<UnreadCount> {
    return (await countUnread.first(this.store.read, { user_id: actor.userId! }))!;
  }

  /** How many the caller has, of every type. */
  async stats(actor: Actor): Promise<NotificationStats> {
    const rows = await countByType.all(this.store.read, { user_id: actor.userId! });
    const sum = (of: typeof rows) => of.reduce((total, row) => total + row.total, 0);
    const counted = (of: typeof rows) => ({ total: sum(of), unread: sum(of.filter((row) => !row.is_read)) });
    const all = counted(rows);
    const by_type = Object.fromEntries(
      notificationTypes.map((type) => [type, counted(rows.filter((row) => row.type === type))]),
    ) as NotificationStats["by_type"];
    return { ...all, read: all.total - all.unread, by_type };
  }

  /**
   * Marks notifications as read, or all of them; those that were read keep the time.
   * @throws Invalid unless the body says which, in one way
   * @throws NotFound when one is not the caller's; then none is marked
   */
  async read(actor: Actor, { notification_ids: ids, all }: ReadNotifications): Promise<UpdatedCount> {
    if ((ids === undefined) === (all === undefined)) throw sayWhich();
    if (ids === undefined) return this.readAll(actor);
    return write(this.store, actor, async (session) => {
      const own = await assertOwn(session, actor, ids);
      return { updated: (await markRead.all(session, { ids: own, read_at: now() })).length };
    });
  }

  /** Marks everything as read. */
  readAll(actor: Actor): Promise<UpdatedCount> {
    return write(this.store, actor, async (session) => {
      const marked = await markAllRead.all(session, { user_id: actor.userId!, read_at: now() });
      return { updated: marked.length };
    });
  }

  /** Removes notifications for good. @throws NotFound when one is not the caller's; then none is removed */
  delete(actor: Actor, ids: readonly string[]): Promise<DeletedCount> {
    return write(this.store, actor, async (session) => {
      const own = await assertOwn(session, actor, ids);
      return { deleted: (await deleteAmong.all(session, { ids: own })).length };
    });
  }

  /** Removes everything that was read. */
  async deleteRead(actor: Actor): Promise<void> {
    await write(this.store, actor, (session) => deleteRead.all(session, { user_id: actor.userId! }));
  }

  /** How the caller is told of each type. */
  async preferences(actor: Actor): Promise<Page<PreferenceView>> {
    const rows = await preferencesOf.all(this.store.read, { user_id: actor.userId! });
    const chosen = new Map(rows.map((row) => [row.type, row]));
    return onePage(
      notificationTypes.map((type) => presentPreference(type, chosen.get(type) ?? channelsAtFirst(type))),
    );
  }

  /** Chooses how the caller is told of a type. @throws Invalid for switching off what is always on */
  prefer(actor: Actor, { type, ...change }: PreferenceInput): Promise<PreferenceView> {
    const off = channels.filter((channel) => change[channel] === false);
    if (isAlwaysOn(type) && off.length > 0) throw alwaysOn(off);
    const user_id = actor.userId!;
    return write(this.store, actor, async (session) => {
      const chosen = { ...(await wantedChannels(session, user_id, type)), ...change };
      const view = presentPreference(type, chosen);
      const row = await preferenceOf.first(session, { user_id, type });
      const whole = { ...view, id: row?.id ?? newId(), user_id };
      await (row ? updatePreference : insertPreference).all(session, whole);
      return view;
    });
  }
}

/** The ids as a JSON array without repetitions. @throws NotFound when one is not among the actor's */
async function assertOwn(session: Session, actor: Actor, given: readonly string[]): Promise<string> {
  const ids = [...new Set(given.map((id) => id.toLowerCase()))];
  const text = JSON.stringify(ids);
  const own = await ownAmong.all(session, { user_id: actor.userId!, ids: text });
  if (own.length < ids.length) throw new NotFound("notification");
  return text;
}

const sayWhich = () =>
  new Invalid([
    {
      field: "notification_ids",
      code: "required",
      message: "is needed, or all: true, and not both",
    },
  ]);

const alwaysOn = (off: readonly string[]) =>
  new Invalid(
    off.map((field) => ({
      ...{ field, code: "always_on" },
      message: "cannot be switched off for what is about the security of your account",
    })),
  );
