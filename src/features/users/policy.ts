import { eq, sql } from "drizzle-orm";
import type { ListScope } from "../../db/list";
import type { Filter } from "../../list";
import { isUser, scopeOf, type Actor, type Grants } from "../../policy";

/** Whether the actor looks after accounts: sees all of them whole, and changes them. */
export const mayManage = (actor: Actor): boolean => scopeOf(actor, "users.manage") === "all";

/** Whether the actor sees everything about this person: their own profile, or as whoever looks after accounts. */
export const seesWhole = (actor: Actor, userId: string): boolean => isUser(actor, userId) || mayManage(actor);

/** Whether the actor sees people's e-mail addresses. */
export const seesEmail = (actor: Actor): boolean => scopeOf(actor, "users.email") === "all";

/** Whether `mine` allow everything that `theirs` do, as far as they do. Nobody gives away more than they hold. */
export const covers = (mine: Grants, theirs: Grants): boolean =>
  Object.entries(theirs).every(
    ([permission, scope]) => mine[permission] === "all" || mine[permission] === scope,
  );

/** Everybody whose account is open; all accounts where the list is filtered by that. */
export function peopleListed(actor: Actor, filters: readonly Filter[]): ListScope {
  const isChosen = filters.some(({ field }) => field === "is_active");
  return {
    shape: isChosen ? "all" : "active",
    args: {},
    caller: `${actor.kind} ${actor.userId}`,
    where: ({ t }) => (isChosen ? undefined : eq(t.users.is_active, sql`true`)),
  };
}

/** Every account, for those who look after them. */
export const accountsListed = (actor: Actor): ListScope => ({
  shape: "all",
  args: {},
  caller: `${actor.kind} ${actor.userId}`,
  where: () => undefined,
});
