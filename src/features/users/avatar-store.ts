import { eq } from "drizzle-orm";
import { hot, type Params } from "../../db/hot";
import { insertInto, type RowOf } from "../../db/rows";

/** A picture of somebody, as it is stored. */
export type AvatarRow = RowOf<"avatars">;

/** Adds a picture; that of before has to be gone. */
export const insertAvatar = insertInto("avatars");

/** A picture by the id in its address. */
export const avatarById = hot(({ t: { avatars }, q }, p: Params<{ id: string }>) =>
  q.select().from(avatars).where(eq(avatars.id, p.id)).limit(1),
);

/** The picture of somebody. */
export const avatarOf = hot(({ t: { avatars }, q }, p: Params<{ user_id: string }>) =>
  q.select().from(avatars).where(eq(avatars.user_id, p.user_id)).limit(1),
);

/** Removes the picture of somebody; gives where it is kept. */
export const dropAvatar = hot(({ t: { avatars }, q }, p: Params<{ user_id: string }>) =>
  q.delete(avatars).where(eq(avatars.user_id, p.user_id)).returning({ key: avatars.key }),
);
