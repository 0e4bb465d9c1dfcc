import { isNewDevice } from "../auth/devices";
import { accountWith } from "../users/accounts";
import type { Look } from "./look";
import { mentionsIn } from "./mentions";
import type { Notice } from "./notify";
import type { NotificationType } from "./types";

/** To whom an event is told, in which words: never more than they may see at that moment. */
type Rule = (look: Look) => Promise<Notice[]>;

const longestExcerpt = 300;

/** Without the half of a sign where it is cut. */
const beginning = (text: string) => text.slice(0, longestExcerpt).replace(/[\ud800-\udbff]$/, "");

/**
 * Told where work passes from one to another, to both. Whoever no longer sees what was theirs learns that it is gone, and
 * nothing else about it.
 * @param nameFor what it is called, for a user who sees it
 */
async function handedOver(
  look: Look,
  noun: string,
  types: { given: NotificationType; taken: NotificationType },
  nameFor: (userId: string) => Promise<string | undefined>,
): Promise<Notice[]> {
  const [before, after] = look.change("assigned_to");
  if (before === after) return [];
  const notices: Notice[] = [];
  const who = await look.actorName();
  const given = after === null ? undefined : await nameFor(after);
  if (given !== undefined) {
    const title = `A ${noun} for you: ${given}`;
    notices.push(look.notice(after!, { type: types.given, title, message: `${who} assigned it to you.` }));
  }
  if (before !== null) {
    const left = await nameFor(before);
    const title = left === undefined ? `A ${noun} is no longer yours` : `No longer your ${noun}: ${left}`;
    const message = `${who} assigned it to ${after === null ? "nobody" : "somebody else"}.`;
    notices.push(look.notice(before, { type: types.taken, title, message }));
  }
  return notices;
}

const taskTypes = { given: "task_assigned", taken: "task_unassigned" } as const;
const taskGiven: Rule = (look) =>
  handedOver(look, "task", taskTypes, async (userId) => (await look.taskOf(userId))?.title);

const taskDone: Rule = async (look) => {
  const [before, after] = look.change("status");
  const row = after === "done" && before !== "done" ? await look.task() : undefined;
  if (!row) return [];
  const message = `${await look.actorName()} completed it.`;
  return toEach([row.created_by, row.assigned_to], async (userId) => {
    const seen = await look.taskOf(userId);
    return seen && look.notice(userId, { type: "task_completed", title: `Done: ${seen.title}`, message });
  });
};

const clientTypes = { given: "client_assigned", taken: "client_changed" } as const;
const clientGiven: Rule = (look) =>
  handedOver(look, "client", clientTypes, async (userId) => (await look.clientOf(userId))?.name);

const clientChanged: Rule = async (look) => {
  if ("assigned_to" in look.event.changes) return clientGiven(look);
  const row = await look.client();
  return toEach([row?.assigned_to], async (userId) => {
    const seen = await look.clientOf(userId);
    if (!seen) return undefined;
    // Which fields is not said: several changes in a row are one notification.
    const message = `${await look.actorName()} changed it.`;
    return look.notice(userId, { type: "client_changed", title: `Changed: ${seen.name}`, message });
  });
};

const fileShared: Rule = async (look) => {
  const row = await look.file();
  if (!row) return [];
  const message = `${await look.actorName()} made a link to it for people outside.`;
  const { uploaded_by, client_assigned_to, task_assigned_to } = row;
  return toEach([uploaded_by, client_assigned_to, task_assigned_to], async (userId) => {
    const seen = await look.fileOf(userId);
    return seen && look.notice(userId, { type: "file_shared", title: `Shared: ${seen.name}`, message });
  });
};

const mentioned: Rule = async (look) => {
  const text = look.change("text")[1] ?? "";
  const found = [];
  for (const address of mentionsIn(text)) found.push((await accountWith(look.session, address))?.id);
  const who = found.length > 0 ? await look.actorName() : "";
  const message = text.length > longestExcerpt ? `${beginning(text)}…` : text;
  return toEach(found, async (userId) => {
    const seen = await look.clientOf(userId);
    const title = `${who} mentioned you: ${seen?.name}`;
    return seen && look.notice(userId, { type: "mention", title, message });
  });
};

const passwordChanged: Rule = async (look) => [
  {
    ...look.notice(look.event.entity_id, {
      type: "security",
      title: "Your password was changed",
      message: "If it was not you, choose another one with “forgot password”, and tell an admin.",
    }),
    link: null,
  },
];

const signedIn: Rule = async (look) => {
  const [, user_id] = look.change("user_id");
  const [, opened] = look.change("created_at");
  const [[, user_agent], [, ip]] = [look.change("user_agent"), look.change("ip")];
  if (user_id === null || opened === null) return [];
  const { session, event } = look;
  const device = { id: event.entity_id, user_id, user_agent, created_at: Date.parse(opened) };
  if (!(await isNewDevice(session, device))) return [];
  const title = "Signed in from a new device";
  const message = `${user_agent ?? "An unnamed program"}, at ${ip ?? "an unknown address"}. If it was not you, change your password.`;
  return [{ ...look.notice(user_id, { type: "security", title, message }), link: null }];
};

/** Who is told what, by the type of the event. */
export const rules: Readonly<Record<string, Rule>> = {
  "task.created": taskGiven,
  "task.updated": async (look) => [...(await taskGiven(look)), ...(await taskDone(look))],
  "client.created": clientGiven,
  "client.updated": clientChanged,
  "client.note": mentioned,
  "client.call": mentioned,
  "client.meeting": mentioned,
  "file.shared": fileShared,
  "user.password_changed": passwordChanged,
  "session.created": signedIn,
};

/** What each of these is told, nobody twice. */
async function toEach(
  userIds: readonly (string | null | undefined)[],
  tell: (userId: string) => Promise<Notice | undefined>,
): Promise<Notice[]> {
  const notices: Notice[] = [];
  for (const userId of new Set(userIds)) {
    const notice = userId == null ? undefined : await tell(userId);
    if (notice) notices.push(notice);
  }
  return notices;
}
