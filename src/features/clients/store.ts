import { eq } from "drizzle-orm";
import { hot, type Params } from "../../db/hot";
import { rebuildIn, type Difference, type RebuildPass } from "../../db/rebuild";
import {
  insertInto,
  insertManyInto,
  liveAmong,
  liveWith,
  recordById,
  recordColumns,
  recordsAmong,
  updateChangedIn,
  withDerived,
  type RecordOf,
  type RowOf,
} from "../../db/rows";
import type { Session } from "../../db/store";
import { fold, normalEmail } from "../../text";
import { phoneKey } from "./phone";
import { clientSearch, searchedOfClient } from "./search";

/** A client without the columns that follow from the others. */
export type ClientRow = RecordOf<"clients">;

/** The columns of a `ClientRow`. */
export const clientColumns = recordColumns("clients");

/** One client by id, deleted or not. */
export const clientById = recordById("clients");

/** The clients with these ids, deleted or not. */
export const clientsById = recordsAmong("clients");

/** The id of the live client with this e-mail address, as `normalEmail` writes it. */
export const clientWithEmail = liveWith("clients", "email_normal");

/** The id of the live client with this external id. */
export const clientWithExternalId = liveWith("clients", "external_id");

/** The ids of the live clients with one of these e-mail addresses, as `normalEmail` writes them. */
export const clientsWithEmails = liveAmong("clients", "email_normal");

/** The ids of the live clients with one of these external ids. */
export const clientsWithExternalIds = liveAmong("clients", "external_id");

/** The ids of the live clients with one of these phone numbers, as `phoneKey` writes them. */
export const clientsWithPhones = liveAmong("clients", "phone_key");

const insertRow = insertInto("clients");
const insertRows = insertManyInto("clients");
const updateRow = updateChangedIn("clients");
const insertTagRows = insertManyInto("client_tags");

const deleteTags = hot(({ t: { client_tags }, q }, p: Params<{ client_id: string }>) =>
  q
    .delete(client_tags)
    .where(eq(client_tags.client_id, p.client_id))
    .returning({ client_id: client_tags.client_id }),
);

/** Adds a client. Fails as `unique` when its e-mail address or external id is taken. */
export async function insertClient(session: Session, row: ClientRow, country: string | null): Promise<void> {
  await insertRow.all(session, whole(row, country));
  await insertTags(session, row);
  await clientSearch.put(session, row.id, searchedOfClient(row));
}

/** Adds many clients, whose unique values are free. */
export async function insertClients(
  session: Session,
  rows: readonly ClientRow[],
  country: string | null,
): Promise<void> {
  await insertRows(
    session,
    rows.map((row) => whole(row, country)),
  );
  await insertTagRows(session, rows.flatMap(tagRows));
  await clientSearch.putNew(
    session,
    rows.map((row) => ({ id: row.id, searched: searchedOfClient(row) })),
  );
}

/** Writes what changed about a client. Fails as `unique` like an insert. */
export async function updateClient(
  session: Session,
  before: ClientRow,
  row: ClientRow,
  country: string | null,
): Promise<void> {
  await updateRow(session, before, whole(row, country, before.phone));
  const searched = searchedOfClient(row);
  if (!Bun.deepEquals(searchedOfClient(before), searched)) await clientSearch.put(session, row.id, searched);
  if (Bun.deepEquals(before.tags, row.tags)) return;
  await deleteTags.all(session, { client_id: row.id });
  await insertTags(session, row);
}

const rebuildRow = rebuildIn("clients", ["email_normal", "external_id"]);
const tagsOf = hot(({ t: { client_tags }, q }, p: Params<{ client_id: string }>) =>
  q.select({ tag_key: client_tags.tag_key }).from(client_tags).where(eq(client_tags.client_id, p.client_id)),
);

/** Makes the rows of a client what they have to be; gives the columns in which they were not. */
export async function rebuildClient(
  session: Session,
  row: ClientRow,
  country: string | null,
  pass: RebuildPass,
): Promise<Difference> {
  const difference = await rebuildRow(session, whole(row, country), pass);
  if (pass === "release") return difference;
  const client_id = row.id;
  await clientSearch.assure(session, client_id, searchedOfClient(row));
  const found = (await tagsOf.all(session, { client_id })).map(({ tag_key }) => tag_key);
  if (new Set(found).symmetricDifference(new Set(row.tags.map(fold))).size === 0) return difference;
  await deleteTags.all(session, { client_id });
  await insertTags(session, row);
  return difference === "missing" ? difference : [...difference, "client_tags"];
}

const insertTags = (session: Session, row: ClientRow): Promise<void> => insertTagRows(session, tagRows(row));

const tagRows = ({ id, tags }: ClientRow) =>
  [...new Set(tags.map(fold))].map((tag_key) => ({ client_id: id, tag_key }));

/** @param written the phone number whose key is in the table already: understanding one takes as long as a write */
const whole = (row: ClientRow, country: string | null, written: string | null = null): RowOf<"clients"> =>
  withDerived("clients", row, {
    email_normal: row.email === null ? null : normalEmail(row.email),
    phone_key: row.phone === null || row.phone === written ? null : phoneKey(row.phone, country),
  });
