import { minute, now } from "../../clock";
import type { Session } from "../../db/store";
import { newId } from "../../ids";
import { addMail } from "../../mails/queue";
import { account } from "../users/accounts";
import { equalSince, insertNotification, preferenceOf, raiseCounter } from "./store";
import { channelsAtFirst, isAlwaysOn, type Channels, type NotificationType } from "./types";

/** What somebody is to be told. */
export interface Notice {
  userId: string;
  type: NotificationType;
  /** Whoever did it; `null` where it is nobody's act, such as a date that comes. */
  actorId: string | null;
  title: string;
  message: string;
  /** Where in a web client it leads, such as `/tasks/<id>`. */
  link: string | null;
}

/**
 * Tells somebody something, within a transaction, in the ways they chose; a mail goes out after it commits. Nobody is
 * told of their own act, unless it is about the security of their account, where whoever acts as them may be somebody
 * else. Equal notices within a minute are one. Ring `notificationTopic` once it has committed.
 * @returns whether there is something new for the user
 */
export async function notify(session: Session, notice: Notice): Promise<boolean> {
  const { userId, type, title, message, link } = notice;
  if (notice.actorId === userId && !isAlwaysOn(type)) return false;
  if (!(await account(session, userId))?.is_active) return false;
  const wanted = await wantedChannels(session, userId, type);
  if (!Object.values(wanted).includes(true)) return false;
  const at = now();
  const fold_key = Bun.hash(JSON.stringify([type, link, title, message])).toString(36);
  if (await equalSince.first(session, { user_id: userId, fold_key, since: at - minute })) return false;
  const counter = await raiseCounter.first(session, { user_id: userId });
  const { in_app, websocket, sse, mail } = wanted;
  const id = newId();
  await insertNotification.all(session, {
    ...{ id, user_id: userId, number: counter!.last_number, type, title, message, link, fold_key },
    ...{ in_app, websocket, sse, is_read: !in_app, read_at: null, created_at: at },
  });
  if (mail) await addMail(session, { template: type, to: { userId }, values: { title, message, link } });
  return true;
}

/** What a user wants of a type. */
export async function wantedChannels(
  session: Session,
  userId: string,
  type: NotificationType,
): Promise<Channels> {
  const chosen = await preferenceOf.first(session, { user_id: userId, type });
  return chosen && !isAlwaysOn(type) ? chosen : channelsAtFirst(type);
}

/** The bus topic that is rung when a user has new notifications. */
export const notificationTopic = (userId: string) => `notify:${userId}`;
