import type { Session } from "../../db/store";
import { earlierPrograms, type SessionRow } from "./store";

/** Who has signed in more often since then has forgotten what it was. */
const remembered = 200;

/**
 * Whether a session was opened with a program that its user had not signed in with before; never for their first one.
 * A program is the same whatever its version.
 */
export async function isNewDevice(
  session: Session,
  opened: Pick<SessionRow, "id" | "user_id" | "created_at" | "user_agent">,
): Promise<boolean> {
  const { id, user_id, created_at } = opened;
  const earlier = await earlierPrograms.all(session, { id, user_id, created_at, most: remembered });
  const program = withoutVersions(opened.user_agent);
  return earlier.length > 0 && earlier.every(({ user_agent }) => withoutVersions(user_agent) !== program);
}

const withoutVersions = (userAgent: string | null) => userAgent?.replaceAll(/\d+([._]\d+)*/g, "") ?? "";
