/** Clients in both engines, and the lists of them that the tests of this folder ask for. */
import { isNotNull, isNull } from "drizzle-orm";
import { listPage, type ListScope } from "../../../src/db/list";
import { insertManyInto } from "../../../src/db/rows";
import type { Store } from "../../../src/db/store";
import { clientFields } from "../../../src/features/clients/fields";
import { phoneKey } from "../../../src/features/clients/phone";
import { clientSearch, searchedOfClient } from "../../../src/features/clients/search";
import { clientColumns, type ClientRow } from "../../../src/features/clients/store";
import { parseList, type DeletedMode, type ListOptions } from "../../../src/list";
import { newId } from "../../../src/ids";
import { fillSearch } from "../../../src/search/fill";
import { fold } from "../../../src/text";
import { inMemory } from "../../support/in-memory";
import { engines, insertUser, temporaryFolder } from "../db/fixtures";

export const clients = {
  name: "clients",
  table: (t: Store["read"]["t"]) => t.clients,
  columns: clientColumns,
  fields: clientFields,
};

export const country = "VN";
export const users = {
  lan: "01941f29-7c00-7000-8000-0000000000a1",
  minh: "01941f29-7c00-7000-8000-0000000000a2",
} as const;
export const start = Date.parse("2026-03-01T00:00:00Z");

/** Both stores, each with the two users; `close` takes everything away. */
export async function openBoth() {
  const folder = temporaryFolder(inMemory);
  const stores = await Promise.all([engines.sqlite(folder.path), engines.postgres(folder.path)]);
  for (const store of stores) {
    await store.tx(async (session) => {
      for (const [name, id] of Object.entries(users)) await insertUser(session, `${name}@example.com`, id);
    });
  }
  return {
    stores,
    async close() {
      await Promise.all(stores.map((store) => store.close()));
      folder.remove();
    },
  };
}

/** A client with what the test says of it, and something believable for the rest. */
export const client = (given: Partial<ClientRow> & { name: string }): ClientRow => ({
  id: newId(),
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
  created_by: users.lan,
  created_at: start,
  updated_at: start,
  deleted_at: null,
  version: 1,
  ...given,
});

const folded = (text: string | null) => text && fold(text);

/** The row with the columns that follow from the others. */
export const stored = (row: ClientRow) => ({
  ...row,
  external_id_key: folded(row.external_id),
  name_key: fold(row.name),
  email_key: folded(row.email),
  email_normal: row.email && `${row.id} ${row.email.toLowerCase()}`, // The tests need duplicates.
  phone_key: row.phone && phoneKey(row.phone, country),
  company_key: folded(row.company),
  position_key: folded(row.position),
  industry_key: folded(row.industry),
  address_key: folded(row.address),
});

const insertClients = insertManyInto("clients");
const insertTags = insertManyInto("client_tags");

/** Clients, their tags, and what is searched of them. */
export async function insertAll(store: Store, rows: ClientRow[]) {
  await insertRows(store, rows);
  await store.tx((session) =>
    clientSearch.putNew(
      session,
      rows.map((row) => ({ id: row.id, searched: searchedOfClient(row) })),
    ),
  );
}

async function insertRows(store: Store, rows: ClientRow[]) {
  const tags = rows.flatMap(({ id, tags }) =>
    [...new Set(tags.map(fold))].map((tag_key) => ({ client_id: id, tag_key })),
  );
  await store.tx(async (session) => {
    await insertClients(session, rows.map(stored));
    await insertTags(session, tags);
  });
}

/** Everybody sees everything. */
export function everything(deleted: DeletedMode): ListScope[] {
  const scope = (state: "live" | "deleted"): ListScope => ({
    shape: state,
    where: ({ t: { clients } }) =>
      state === "live" ? isNull(clients.deleted_at) : isNotNull(clients.deleted_at),
    args: {},
    caller: "somebody",
  });
  return deleted === "none"
    ? [scope("live")]
    : deleted === "only"
      ? [scope("deleted")]
      : [scope("live"), scope("deleted")];
}

export const parse = (query: string, options: Partial<ListOptions> = {}) =>
  parseList(clientFields, query, { timeZone: "UTC", now: start, country, ...options });

/** What a query answers. */
export function list(store: Store, query: string, options?: Partial<ListOptions>) {
  const request = parse(query, options);
  return listPage<ClientRow>(store, clients, request, everything(request.deleted));
}

/** Joins parameters as a careful client would. */
export const queryOf = (parameters: Record<string, string | number | undefined>) =>
  Object.entries(parameters)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value!)}`)
    .join("&");

/** Both engines with these clients, whose text is indexed. */
export async function openSearched(rows: ClientRow[]) {
  const both = await openBoth();
  for (const store of both.stores) {
    await insertRows(store, rows);
    await store.tx(fillSearch);
  }
  return both;
}
