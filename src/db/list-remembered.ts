import { monotonic, second } from "../clock";
import { RecentMap } from "../recent-map";
import type { Fields, Filter } from "../list";
import { narrowed } from "./list-narrow";
import type { SettledScope } from "./list-scope";
import type { Session, Store } from "./store";

/** That the filters of a list let many records through, found in the index of one of them. */
interface Many {
  /** Which filter leads. */
  lead: number;
  isLong: boolean;
  /** In `monotonic` time. */
  until: number;
}

/** For so long it is believed. It decides how a list is read, and never what is in it. */
const believedMs = 10 * second;
const mostRemembered = 500;

const memories = new WeakMap<object, RecentMap<Many>>();

/**
 * The same as `narrowed`. That there were many is remembered for a moment: to find two thousand of them only to learn that a list is
 * walked in its order costs ten times as much as its page, and the lists of a busy day are the same again and again.
 */
export async function narrowedAgain(
  store: Pick<Store, "read">,
  session: Session,
  fields: Fields,
  filters: readonly Filter[],
  scope: SettledScope,
): Promise<SettledScope> {
  const memory = memories.getOrInsertComputed(store, () => new RecentMap(mostRemembered));
  const key = JSON.stringify([fields.resource, filters, scope.shape, scope.args]);
  const many = memory.get(key);
  if (many && many.until > monotonic()) {
    return { ...scope, lead: { filter: filters[many.lead]!, at: String(many.lead), isLong: many.isLong } };
  }
  const within = await narrowed(session, fields, filters, scope);
  // What leads to the records of groups is looked for anew: it is in the filters of each.
  if (!within.isFew && within.lead && !within.lead.branches) {
    const { filter, isLong } = within.lead;
    memory.set(key, { lead: filters.indexOf(filter), isLong, until: monotonic() + believedMs });
  }
  return within;
}
