import type { Store } from "../../db/store";
import type { Actor } from "../../policy";
import { fold, normalEmail } from "../../text";
import type { ClientService } from "../clients/service";
import { openAccountList } from "../users/accounts";
import type { Naming } from "./cells";

/** Whom texts in a file name, for somebody who imports: colleagues as they are now, and clients that they may see. */
export async function namingFor(
  store: Store,
  clients: Pick<ClientService, "namedBy">,
  actor: Actor,
): Promise<Naming> {
  const people = await openAccountList(store.read);
  const byMail = new Map(people.map(({ id, email }) => [normalEmail(email), id]));
  const byName = Map.groupBy(people, ({ full_name }) => fold(full_name.trim()));
  return {
    timeZone: actor.timeZone,
    user(text) {
      const id = byMail.get(normalEmail(text));
      if (id !== undefined) return id;
      const [first, ...others] = byName.get(fold(text)) ?? [];
      if (!first) return { wrong: "is the mail address or name of nobody who has an account" };
      return others.length === 0
        ? first.id
        : { wrong: `is the name of ${others.length + 1} people: write a mail address` };
    },
    clients: (session, texts) => clients.namedBy(session, actor, texts),
  };
}
