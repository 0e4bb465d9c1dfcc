import type { Session, Store } from "../../db/store";
import { Invalid } from "../../errors";
import type { IfMatch } from "../../events/current";
import type { ListRequest, Page } from "../../list";
import type { Actor } from "../../policy";
import { Records, type NewRecord, type RecordKind, type RecordPolicy } from "../../records";
import { normalEmail, trimmed } from "../../text";
import { isActiveUser } from "../users/accounts";
import { clientFields } from "./fields";

import { presentClient, type ClientInput, type ClientPatch, type ClientView } from "./schema";
import {
  clientById,
  clientColumns,
  clientWithEmail,
  clientWithExternalId,
  insertClient,
  updateClient,
  type ClientRow,
} from "./store";

const clientKind = (defaultCountry: () => string | null): RecordKind<ClientRow, ClientView> => ({
  name: "client",
  resource: { fields: clientFields, columns: clientColumns },
  unique: [
    {
      field: "email",
      column: "clients.email_normal",
      holder: (session, { email }) => clientWithEmail.first(session, { value: normalEmail(email!) }),
    },
    {
      field: "external_id",
      column: "clients.external_id",
      holder: (session, { external_id }) => clientWithExternalId.first(session, { value: external_id! }),
    },
  ],
  find: (session, id) => clientById.first(session, { id }),
  insert: (session, row) => insertClient(session, row, defaultCountry()),
  update: (session, before, after) => updateClient(session, before, after, defaultCountry()),
  present: presentClient,
});

/** What may happen to a client, and what happens with it. */
export class ClientService {
  readonly #clients: Records<ClientRow, ClientView>;

  /** @param defaultCountry ISO 3166 code of phone numbers without a country code */
  constructor(store: Store, policy: RecordPolicy<ClientRow>, defaultCountry: () => string | null) {
    this.#clients = new Records(store, policy, clientKind(defaultCountry));
  }

  /** One page of the clients the actor may see, or of the deleted ones they may restore. */
  list(actor: Actor, request: ListRequest): Promise<Page<ClientView>> {
    return this.#clients.list(actor, request);
  }

  /** @throws NotFound when there is no such client or the actor may not see it, Gone when they may restore it */
  get(actor: Actor, id: string): Promise<ClientView> {
    return this.#clients.get(actor, id);
  }

  /**
   * @throws Invalid when the assignee is no active user
   * @throws Conflict when another live client has the e-mail address or external id
   */
  create(actor: Actor, input: ClientInput): Promise<ClientView> {
    return this.#clients.create(actor, async (session) => {
      const known = tidy(input);
      await assertAssignable(session, known.assigned_to);
      return { ...blank, ...known, created_by: actor.userId! };
    });
  }

  /**
   * Applies a patch and records what changed; a patch that changes nothing leaves no trace.
   * @throws NotFound when the client does not exist or the actor may not see it
   * @throws Stale when `ifMatch` names an older version, with the fields changed since
   * @throws Invalid when the new assignee is no active user
   * @throws Conflict when another live client has the new e-mail address or external id
   */
  change(actor: Actor, id: string, patch: ClientPatch, ifMatch: IfMatch): Promise<ClientView> {
    return this.#clients.change(actor, id, ifMatch, async (session, before) => {
      const change = tidy(patch);
      if (change.assigned_to !== before.assigned_to) await assertAssignable(session, change.assigned_to);
      return change;
    });
  }

  /** Hides a client. Its e-mail address and external id are free again at once. */
  delete(actor: Actor, id: string, ifMatch: IfMatch): Promise<void> {
    return this.#clients.delete(actor, id, ifMatch);
  }

  /**
   * Brings a deleted client back; one that is not deleted stays as it is.
   * @throws Stale when `ifMatch` names an older version
   * @throws Conflict with the other client's id when its e-mail address or external id is taken by now
   */
  restore(actor: Actor, id: string, ifMatch: IfMatch): Promise<ClientView> {
    return this.#clients.restore(actor, id, ifMatch);
  }
}

const blank = {
  external_id: null,
  email: null,
  phone: null,
  company: null,
  position: null,
  industry: null,
  address: null,
  status: "prospect",
  assigned_to: null,
  tags: [],
  notes: null,
  avatar_url: null,
} satisfies Partial<NewRecord<ClientRow>>;

/** Without the blanks around it, a text is the same text; notes keep theirs. */
function tidy<Input extends ClientPatch>(input: Input) {
  const { tags, ...tidied } = trimmed(input, ["notes"]);
  if (tidied.assigned_to) tidied.assigned_to = tidied.assigned_to.toLowerCase();
  if (tags === undefined) return tidied;
  return { ...tidied, tags: [...new Set((tags ?? []).map((tag) => tag.trim()))] };
}

async function assertAssignable(session: Session, userId: string | null | undefined): Promise<void> {
  if (userId == null || (await isActiveUser(session, userId))) return;
  throw new Invalid([{ field: "assigned_to", code: "unknown_user", message: "is not an active user" }]);
}
