import { revived } from "../../db/rebuild";
import type { Session, Store } from "../../db/store";
import type { Actor } from "../../policy";
import { ManyRecordService } from "../../many-records";
import type { OwnPolicy } from "../../own-policy";
import type { Match, NewRecord, RecordKind } from "../../record-kind";
import { normalEmail, tidy } from "../../text";
import { WrittenRecords } from "../../written-records";
import { assertAssignable } from "../users/accounts";
import { clientFields } from "./fields";
import { phoneKey } from "./phone";
import { countClients, type ClientCounts } from "./stats";
import { searchedOfClient } from "./search";
import { presentClient, type ClientInput, type ClientPatch, type ClientView } from "./schema";
import {
  clientById,
  clientsById,
  clientColumns,
  clientsWithEmails,
  clientsWithExternalIds,
  clientsWithPhones,
  clientWithEmail,
  clientWithExternalId,
  insertClient,
  insertClients,
  rebuildClient,
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
      many: {
        key: ({ email }) => email && normalEmail(email),
        holders: (session, values) => clientsWithEmails.all(session, { values }),
      },
    },
    {
      field: "external_id",
      column: "clients.external_id",
      holder: (session, { external_id }) => clientWithExternalId.first(session, { value: external_id! }),
      many: {
        key: ({ external_id }) => external_id,
        holders: (session, values) => clientsWithExternalIds.all(session, { values }),
      },
    },
  ],
  find: (session, id) => clientById.first(session, { id }),
  findMany: (session, ids) => clientsById.all(session, { ids }),
  insert: (session, row) => insertClient(session, row, defaultCountry()),
  insertMany: (session, rows) => insertClients(session, rows, defaultCountry()),
  update: (session, before, after) => updateClient(session, before, after, defaultCountry()),
  present: presentClient,
  searched: searchedOfClient,
  rebuild: (session, told, pass) => rebuildClient(session, revived("clients", told), defaultCountry(), pass),
});

/** What may happen to a client, and what happens with it. */
export class ClientService extends ManyRecordService<ClientRow, ClientView, ClientInput, ClientPatch> {
  /** @param defaultCountry ISO 3166 code of phone numbers without a country code */
  constructor(
    store: Store,
    policy: OwnPolicy<ClientRow>,
    private readonly defaultCountry: () => string | null,
  ) {
    const kind = clientKind(defaultCountry);
    super(store, policy, kind);
    this.written = new WrittenRecords({ store, policy, ...kind, records: this });
  }

  /** For those who only pass their JSON on. */
  readonly written: WrittenRecords<ClientRow, ClientView>;

  /** The fields by which clients are found that are there already. */
  readonly matches: Readonly<Record<string, Match>> = {
    external_id: {
      key: (text) => text.trim(),
      holders: (session, values) => clientsWithExternalIds.all(session, { values }),
    },
    email: { key: normalEmail, holders: (session, values) => clientsWithEmails.all(session, { values }) },
    phone: {
      key: (text) => phoneKey(text.trim(), this.defaultCountry()),
      holders: (session, values) => clientsWithPhones.all(session, { values }),
    },
  };

  /** The ids of the clients that the actor may see and that texts name, by external id or mail address. */
  async namedBy(session: Session, actor: Actor, texts: readonly string[]): Promise<Map<string, string>> {
    const named = new Map<string, string>();
    for (const { key, holders } of [this.matches["external_id"]!, this.matches["email"]!]) {
      const waiting = texts.filter((text) => !named.has(text));
      if (waiting.length === 0) break;
      const found = await holders(session, JSON.stringify([...new Set(waiting.map(key))]));
      const seen = await this.seenAmong(session, actor, found.map(({ id }) => id)); // prettier-ignore
      const ids = new Set(seen.map(({ id }) => id));
      const byKey = new Map(found.flatMap(({ id, value }) => (ids.has(id) ? [[value, id]] : [])));
      for (const text of waiting) {
        const id = byKey.get(key(text));
        if (id !== undefined) named.set(text, id);
      }
    }
    return named;
  }

  /** How many clients the actor may see, how many of them are active, and how many came since an instant. */
  counts(actor: Actor, since: number): Promise<ClientCounts> {
    return countClients(this.store, this.policy.readable(actor), since);
  }

  protected async begin(session: Session, actor: Actor, input: ClientInput) {
    const known = tidied(input);
    await assertAssignable(session, known.assigned_to);
    return { ...blank, ...known, created_by: actor.userId! };
  }

  protected async revise(session: Session, _: Actor, before: ClientRow, patch: ClientPatch) {
    const change = tidied(patch);
    if (change.assigned_to !== before.assigned_to) await assertAssignable(session, change.assigned_to);
    return change;
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

/** Without the blanks around it, a text is the same text; notes keep theirs. A tag given twice is one tag. */
function tidied<Input extends ClientPatch>(input: Input) {
  const { tags, ...others } = tidy<ClientPatch & Input>(input, { keep: ["notes"], ids: ["assigned_to"] });
  if (tags === undefined) return others;
  return { ...others, tags: [...new Set((tags ?? []).map((tag) => tag.trim()))] };
}
