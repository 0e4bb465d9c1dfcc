import { now, second } from "../clock";
import type { Session } from "../db/store";
import { presentNotification } from "../features/notifications/schema";
import type { Connection } from "./connection";
import { frameOf, resyncFrame } from "./frames";
import {
  lastNumber,
  notificationsAfter,
  notificationsAfterEach,
  oldestNumber,
  type NotificationRow,
} from "./store";

/** How many are read at once. */
const page = 200;

/** Whoever is further behind fetches them from the API instead. */
const mostBehind = 1_000;

/** Where somebody stands who says that they saw everything up to `after`, or who starts now. */
export interface Standing {
  /** The last notification there is. */
  last: number;
  /** Everything after this one is sent. */
  position: number;
  /** Some of what they did not see cannot be sent. */
  isLost: boolean;
}

/** Where a connection begins. */
export async function standingOf(session: Session, userId: string, after: number | null): Promise<Standing> {
  const last = (await lastNumber.first(session, { user_id: userId }))?.last ?? 0;
  if (after === null || after === last) return { last, position: last, isLost: false };
  // A number from the future was given by a database that is no more.
  const isLost = after > last || last - after > mostBehind || !(await areKept(session, userId, after));
  return { last, position: isLost ? last : after, isLost };
}

/** Gaps are what the user deleted; what is gone from the beginning may have been removed for its age. */
async function areKept(session: Session, userId: string, after: number): Promise<boolean> {
  const kept = await oldestNumber.first(session, { user_id: userId });
  return kept !== undefined && kept.oldest <= after + 1;
}

/** Told of each notification that went to somebody: its age in seconds, where they were listening when it was made. */
export interface Delivered {
  delivered(seconds: number | undefined): void;
}

/**
 * Sends each connection the notifications of its user after its position, in order. May run several times at once: what
 * is sent is decided without a pause, by the position. For a slow reader the table is the queue: it goes on where it
 * stopped, or is told that it missed too much.
 */
export async function deliver(
  session: Session,
  connections: readonly Connection[],
  measure: Delivered,
): Promise<void> {
  const users = Map.groupBy(connections.filter(takes), ({ userId }) => userId);
  if (users.size > 1 && (await deliverFew(session, users, measure))) return;
  for (const [userId, own] of users) await deliverAll(session, userId, own, measure);
}

/** Reads for all users at once, as most have one notification that is new. @returns false where there are too many for that */
async function deliverFew(
  session: Session,
  users: ReadonlyMap<string, readonly Connection[]>,
  measure: Delivered,
): Promise<boolean> {
  const positions = JSON.stringify([...users].map(([userId, own]) => [userId, firstPosition(own)]));
  const rows = await notificationsAfterEach.all(session, { positions, most: page });
  if (rows.length === page) return false;
  for (const row of rows.sort((a, b) => a.number - b.number))
    deliverOne(row, users.get(row.user_id)!, measure);
  return true;
}

async function deliverAll(
  session: Session,
  userId: string,
  connections: readonly Connection[],
  measure: Delivered,
): Promise<void> {
  for (;;) {
    const waiting = connections.filter(takes);
    if (waiting.length === 0) return;
    const number = firstPosition(waiting);
    const rows = await notificationsAfter.all(session, { user_id: userId, number, most: page });
    for (const row of rows) deliverOne(row, waiting, measure);
    if (rows.length < page) return;
    await skipWhoIsFarBehind(session, userId, waiting);
  }
}

const firstPosition = (connections: readonly Connection[]) =>
  Math.min(...connections.map(({ position }) => position));

const takes = ({ isReady, isClosed, outlet }: Connection) => isReady && !isClosed && !outlet.isFull;

function deliverOne(row: NotificationRow, connections: readonly Connection[], measure: Delivered): void {
  let frame: string | undefined;
  for (const connection of connections) {
    if (connection.position >= row.number || !takes(connection)) continue;
    connection.position = row.number;
    if (!row[connection.outlet.kind]) continue;
    connection.send((frame ??= notificationFrame(row)), row.number);
    measure.delivered(row.created_at > connection.since ? (now() - row.created_at) / second : undefined);
  }
}

async function skipWhoIsFarBehind(
  session: Session,
  userId: string,
  connections: readonly Connection[],
): Promise<void> {
  const last = (await lastNumber.first(session, { user_id: userId }))?.last ?? 0;
  for (const connection of connections.filter(takes)) {
    if (last - connection.position <= mostBehind) continue;
    connection.position = last;
    connection.send(resyncFrame, last);
  }
}

const notificationFrame = (row: NotificationRow) =>
  frameOf("notification", presentNotification(row), row.number);
