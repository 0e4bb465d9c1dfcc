import { minute, now } from "../../clock";
import type { Session } from "../../db/store";
import { newId } from "../../ids";
import { addMail } from "../../mails/queue";
import { openAccounts } from "../users/accounts";
import { equalBetween, insertNotifications, preferenceOf, preferencesAmong, raiseCounters } from "./store";
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

/** A notice with the ways in which it is told; equal ones of a user have the same `fold`. */
type Wanted = Notice & { channels: Channels; fold: string };

/**
 * Tells people something, within a transaction, in the ways they chose; a mail goes out after it commits. Nobody is told
 * of their own act, unless it is about the security of their account, where whoever acts as them may be somebody else.
 * Equal notices within a minute are one. Ring `notificationTopic` once it has committed.
 * @returns the users for whom there is something new
 */
export async function notifyAll(session: Session, notices: readonly Notice[]): Promise<Set<string>> {
  const at = now();
  const fresh = await unheard(session, await wanted(session, notices), at);
  if (fresh.length === 0) return new Set();
  const numbers = await nextNumbers(session, fresh);
  await insertNotifications(
    session,
    fresh.map(({ userId, type, title, message, link, fold, channels: { in_app, websocket, sse } }, i) => ({
      ...{ id: newId(), user_id: userId, number: numbers[i]!, type, title, message, link, fold_key: fold },
      ...{ in_app, websocket, sse, is_read: !in_app, read_at: null, created_at: at },
    })),
  );
  for (const { userId, type, title, message, link, channels } of fresh) {
    if (!channels.mail) continue;
    await addMail(session, { template: type, to: { userId }, values: { title, message, link } });
  }
  return new Set(fresh.map(({ userId }) => userId));
}

/** The same for one notice. @returns whether there is something new for the user */
export const notify = async (session: Session, notice: Notice): Promise<boolean> =>
  (await notifyAll(session, [notice])).size > 0;

/** Those of the notices that anybody wants to hear, with how. */
async function wanted(session: Session, notices: readonly Notice[]): Promise<Wanted[]> {
  const ofOthers = notices.filter(({ actorId, userId, type }) => actorId !== userId || isAlwaysOn(type));
  if (ofOthers.length === 0) return [];
  const users = [...new Set(ofOthers.map(({ userId }) => userId))];
  const open = await openAccounts(session, users);
  const choices = await preferencesAmong.all(session, { users: JSON.stringify(users) });
  const chosen = new Map(choices.map((choice) => [`${choice.user_id} ${choice.type}`, choice]));
  return ofOthers.flatMap((notice) => {
    const channels = channelsOf(notice.type, chosen.get(`${notice.userId} ${notice.type}`));
    const isTold = open.has(notice.userId) && Object.values(channels).includes(true);
    return isTold ? [{ ...notice, channels, fold: foldOf(notice) }] : [];
  });
}

/** Those that their users have not been told within a minute, each once. What a clock that was ahead wrote is no reason not to. */
async function unheard(session: Session, all: readonly Wanted[], at: number): Promise<Wanted[]> {
  if (all.length === 0) return [];
  const folds = JSON.stringify(all.map(({ userId, fold }) => [userId, fold]));
  const equal = await equalBetween.all(session, { folds, since: at - minute, until: at + minute });
  const heard = new Set(equal.map(({ user_id, fold_key }) => `${user_id} ${fold_key}`));
  return all.filter(({ userId, fold }) => {
    const name = `${userId} ${fold}`;
    return !heard.has(name) && heard.add(name);
  });
}

/** A number for each: what comes next in its user's counter. */
async function nextNumbers(session: Session, notices: readonly Notice[]): Promise<number[]> {
  const counts = new Map<string, number>();
  for (const { userId } of notices) counts.set(userId, (counts.get(userId) ?? 0) + 1);
  // In one order, so that two processes never wait for each other.
  const raises = JSON.stringify([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  const raised = await raiseCounters.all(session, { raises });
  const next = new Map(
    raised.map(({ user_id, last_number }) => [user_id, last_number - counts.get(user_id)!]),
  );
  return notices.map(({ userId }) => {
    const number = next.get(userId)! + 1;
    next.set(userId, number);
    return number;
  });
}

const foldOf = ({ type, link, title, message }: Notice) =>
  Bun.hash(JSON.stringify([type, link, title, message])).toString(36);

/** What a user wants of a type. */
export async function wantedChannels(
  session: Session,
  userId: string,
  type: NotificationType,
): Promise<Channels> {
  return channelsOf(type, await preferenceOf.first(session, { user_id: userId, type }));
}

const channelsOf = (type: NotificationType, chosen: Channels | undefined): Channels =>
  chosen && !isAlwaysOn(type) ? chosen : channelsAtFirst(type);

/** The bus topic that is rung when a user has new notifications. */
export const notificationTopic = (userId: string) => `notify:${userId}`;
