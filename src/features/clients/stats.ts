import { eq, sql } from "drizzle-orm";
import { count } from "../../db/count";
import { hotByShape, type Query } from "../../db/hot";
import { settled, type ListScope } from "../../db/list-scope";
import type { Store } from "../../db/store";

/** How many clients there are. */
export interface ClientCounts {
  total: number;
  /** Those whose status is `active`. */
  active: number;
  /** Those that came since. */
  added: number;
}

const counts = hotByShape<ClientCounts>();

/** Counts clients, off the event loop where they are many. */
export async function countClients(
  store: Pick<Store, "read" | "aside">,
  listed: ListScope,
  since: number,
): Promise<ClientCounts> {
  const scope = await settled(store, "clients", listed);
  const [found] = await counts.all(
    scope.isFew ? store.read : store.aside(scope.caller),
    scope.shape,
    (shape, p) => {
      const { clients } = shape.t;
      return shape.q
        .select({
          total: count(),
          active: count(eq(clients.status, sql`'active'`)),
          added: count(sql`${clients.created_at} >= ${p.since}`),
        })
        .from(clients)
        .where(scope.where(shape, p)) as unknown as Query<ClientCounts>;
    },
    { ...scope.args, since },
  );
  return found!;
}
