import type { ListRequest, Position } from "../list";
import { openList, type ListScope, type Resource } from "./list";
import { merge } from "./list-merge";
import type { Store } from "./store";

/**
 * So many that a search finds are gathered before a walk: it meets every record of the list, and each that is not gathered would be
 * asked for its text.
 */
const mostSearched = 20_000;

/** Gives the next records of a list, as many as are asked for; fewer, and then none, at its end. */
export type Walk<View> = (most: number) => Promise<View[]>;

/**
 * Begins to walk through a list from its first record to its last, in its order and off the event loop. Records that nobody
 * touches meanwhile come once each.
 * @param scopes as for `listPage`
 * @param present what is given of each row
 */
export async function walkList<Item extends object, View>(
  store: Pick<Store, "aside">,
  resource: Resource<Item>,
  request: ListRequest,
  scopes: readonly ListScope[],
  present: (row: Item) => View,
): Promise<Walk<View>> {
  const { fields } = resource;
  const lists = await Promise.all(
    scopes.map((scope) => {
      const read = store.aside(scope.caller);
      const within = { read, aside: () => read };
      return openList(within, resource as Resource<object>, request, scope, mostSearched);
    }),
  );
  const [list] = lists as [(typeof lists)[number]];
  let last: Position | null = null;
  let isOver = false;
  return async (most) => {
    if (isOver) return [];
    const from = last;
    const parts = await Promise.all(lists.map((each) => (from ? each.after(from) : each).rows(most, 0)));
    const rows = parts.length === 1 ? parts[0]! : merge(parts, fields, request.sort).slice(0, most);
    isOver = rows.length < most;
    if (!isOver) last = list.positionOf(rows.at(-1)!);
    return (list.withoutKeys(rows) as Item[]).map(present);
  };
}
