import { eq, sql } from "drizzle-orm";
import { hot, type Params, type Query, type Shape } from "../../db/hot";
import type { Resource } from "../../db/list";
import { recordColumns, type RowOf } from "../../db/rows";
import { activityFields } from "./fields";

/** An event with the name of whoever acted. */
export type ActivityRow = RowOf<"events"> & { actor_name: string | null };

const columns = ({ t }: Pick<Shape, "t">) => {
  const { events, users } = t;
  const name = sql`select ${users.full_name} from ${users} where ${eq(users.id, events.actor_id)}`;
  return { ...recordColumns("events")(t), actor_name: sql<string | null>`(${name})` };
};

/** Activities, as a list has them. */
export const listedActivities: Resource<ActivityRow> = {
  fields: activityFields,
  columns: (t) => columns({ t }),
};

/** One by its id. */
export const activityById = hot(
  (shape, p: Params<{ id: string }>) =>
    shape.q
      .select(columns(shape))
      .from(shape.t.events)
      .where(eq(shape.t.events.id, p.id))
      .limit(1) as unknown as Query<ActivityRow>,
);
