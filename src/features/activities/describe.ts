import type { RowOf } from "../../db/rows";

/** What is told of an event in a sentence. */
type Told = Pick<RowOf<"events">, "type" | "entity_type" | "changes">;

/** What is said of an event, by its type; of others, what follows from its name. */
const sentences: Readonly<Record<string, (event: Told) => string>> = {
  "client.note": () => "wrote a note about a client",
  "client.call": ({ changes }) =>
    changes["direction"]?.[1] === "incoming" ? "was called by a client" : "talked with a client on the phone",
  "client.meeting": () => "met a client",
  "file.shared": () => "shared a file by a link",
  "file.share_revoked": () => "ended a link to a file",
  "file.share_opened": () => "opened a shared file",
  "file.share_previewed": () => "looked at a shared file",
  "file.share_downloaded": () => "downloaded a shared file",
  "file.share_refused": () => "tried to open a shared file with a wrong password",
  "user.role_changed": ({ changes }) => `gave a user the role ${changes["role"]?.[1] as string}`,
  "user.password_changed": () => "changed a user's password",
  "user.email_verified": () => "proved an e-mail address",
  "user.activated": () => "opened an account again",
  "user.deactivated": () => "closed an account",
  "user.sign_in_failed": () => "tried to sign in with a wrong password",
  "user.sign_in_refused": () => "tried to sign in and was refused",
  "session.created": () => "signed in",
  "session.refreshed": () => "stayed signed in",
  "session.ended": () => "ended a session",
};

const verbs: Readonly<Record<string, string>> = {
  created: "added",
  deleted: "deleted",
  restored: "restored",
  snapshot: "took a snapshot of",
};

/** An event as one short English sentence, of what stands in the event alone: its reader sees that anyway. */
export function describe(who: string, event: Told): string {
  const said = sentences[event.type]?.(event);
  if (said !== undefined) return `${who} ${said}.`;
  const action = event.type.slice(event.entity_type.length + 1);
  const what = `a ${event.entity_type}`;
  if (action === "updated") return `${who} changed ${fieldsOf(event)} of ${what}.`;
  return `${who} ${verbs[action] ?? action.replaceAll("_", " ")} ${what}.`;
}

const mostNamed = 3;

function fieldsOf({ changes }: Told): string {
  const names = Object.keys(changes).toSorted();
  if (names.length === 0) return "nothing";
  const more = names.length - mostNamed;
  if (more > 0) return `${names.slice(0, mostNamed).join(", ")} and ${more} more`;
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
