import { and, eq, sql } from "drizzle-orm";
import { count } from "../../db/count";
import { hot, type Params } from "../../db/hot";

/** How many notifications a user has not read. */
export const countUnread = hot(({ t: { notifications }, q }, p: Params<{ user_id: string }>) =>
  q
    .select({ unread: count() })
    .from(notifications)
    .where(and(eq(notifications.user_id, p.user_id), eq(notifications.is_read, sql`false`))),
);
