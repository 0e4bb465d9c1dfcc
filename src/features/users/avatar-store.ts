import { eq } from "drizzle-orm";
import { hot, type Params } from "../../db/hot";
import { insertInto } from "../../db/rows";
import type { Session } from "../../db/store";
import { dropBlob } from "../files/blob-store";

/** Adds a picture; that of before has to be gone. */
export const insertAvatar = insertInto("avatars");

/** A picture by the id in its address. */
export const avatarById = hot(({ t: { avatars }, q }, p: Params<{ id: string }>) =>
  q.select().from(avatars).where(eq(avatars.id, p.id)).limit(1),
);

/** Removes the picture of somebody; gives which bytes it had. */
const dropAvatar = hot(({ t: { avatars }, q }, p: Params<{ user_id: string }>) =>
  q.delete(avatars).where(eq(avatars.user_id, p.user_id)).returning({ checksum: avatars.checksum }),
);

/** Takes somebody's picture away, and lets go of its bytes; the sweep removes them. Within a transaction. */
export async function removeAvatar(session: Session, user_id: string): Promise<void> {
  for (const { checksum } of await dropAvatar.all(session, { user_id })) {
    await dropBlob.all(session, { hash: checksum });
  }
}
