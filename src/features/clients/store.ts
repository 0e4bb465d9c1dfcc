import { and, eq, isNull, or } from "drizzle-orm";
import { hot, value, type Params, type Shape } from "../../db/hot";
import type { Session } from "../../db/store";
import type { Tables } from "../../db/tables";
import { fold, normalEmail } from "../../text";
import { phoneKey } from "./phone";

type Stored = Tables["clients"]["$inferSelect"];
type DerivedColumn = Extract<keyof Stored, `${string}_key`> | "email_normal";

/** A client without the columns that follow from the others. */
export type ClientRow = Omit<Stored, DerivedColumn>;

/** The columns that are read: all but the derived ones. */
export const clientColumns = ({ clients }: Shape["t"]) => ({
  id: clients.id,
  external_id: clients.external_id,
  name: clients.name,
  email: clients.email,
  phone: clients.phone,
  company: clients.company,
  position: clients.position,
  industry: clients.industry,
  address: clients.address,
  status: clients.status,
  assigned_to: clients.assigned_to,
  tags: clients.tags,
  notes: clients.notes,
  avatar_url: clients.avatar_url,
  created_by: clients.created_by,
  created_at: clients.created_at,
  updated_at: clients.updated_at,
  deleted_at: clients.deleted_at,
  version: clients.version,
});

/** One client by id, deleted or not. */
export const clientById = hot(({ t, q }, p: Params<Pick<Stored, "id">>) =>
  q.select(clientColumns(t)).from(t.clients).where(eq(t.clients.id, p.id)).limit(1),
);

/** The live client that holds an e-mail address or an external id. */
export const clientHolding = hot(
  ({ t: { clients }, q }, p: Params<{ email_normal: string; external_id: string }>) =>
    q
      .select({ id: clients.id, email_normal: clients.email_normal })
      .from(clients)
      .where(
        and(
          isNull(clients.deleted_at),
          or(eq(clients.email_normal, p.email_normal), eq(clients.external_id, p.external_id)),
        ),
      )
      .limit(1),
);

const insertRow = hot(({ t: { clients }, q }, p: Params<Stored>) =>
  q
    .insert(clients)
    .values({
      id: p.id,
      external_id: p.external_id,
      external_id_key: p.external_id_key,
      name: p.name,
      name_key: p.name_key,
      email: p.email,
      email_key: p.email_key,
      email_normal: p.email_normal,
      phone: p.phone,
      phone_key: p.phone_key,
      company: p.company,
      company_key: p.company_key,
      position: p.position,
      position_key: p.position_key,
      industry: p.industry,
      industry_key: p.industry_key,
      address: p.address,
      address_key: p.address_key,
      status: p.status,
      assigned_to: p.assigned_to,
      tags: p.tags,
      notes: p.notes,
      avatar_url: p.avatar_url,
      created_by: p.created_by,
      created_at: p.created_at,
      updated_at: p.updated_at,
      deleted_at: p.deleted_at,
      version: p.version,
    })
    .returning({ id: clients.id }),
);

const updateRow = hot(({ t: { clients: c }, q }, p: Params<Omit<Stored, "created_by" | "created_at">>) =>
  q
    .update(c)
    .set({
      external_id: value(c.external_id, p.external_id),
      external_id_key: value(c.external_id_key, p.external_id_key),
      name: value(c.name, p.name),
      name_key: value(c.name_key, p.name_key),
      email: value(c.email, p.email),
      email_key: value(c.email_key, p.email_key),
      email_normal: value(c.email_normal, p.email_normal),
      phone: value(c.phone, p.phone),
      phone_key: value(c.phone_key, p.phone_key),
      company: value(c.company, p.company),
      company_key: value(c.company_key, p.company_key),
      position: value(c.position, p.position),
      position_key: value(c.position_key, p.position_key),
      industry: value(c.industry, p.industry),
      industry_key: value(c.industry_key, p.industry_key),
      address: value(c.address, p.address),
      address_key: value(c.address_key, p.address_key),
      status: value(c.status, p.status),
      assigned_to: value(c.assigned_to, p.assigned_to),
      tags: value(c.tags, p.tags),
      notes: value(c.notes, p.notes),
      avatar_url: value(c.avatar_url, p.avatar_url),
      updated_at: value(c.updated_at, p.updated_at),
      deleted_at: value(c.deleted_at, p.deleted_at),
      version: value(c.version, p.version),
    })
    .where(eq(c.id, p.id))
    .returning({ id: c.id }),
);

const insertTag = hot(({ t: { client_tags }, q }, p: Params<{ client_id: string; tag_key: string }>) =>
  q
    .insert(client_tags)
    .values({ client_id: p.client_id, tag_key: p.tag_key })
    .returning({ client_id: client_tags.client_id }),
);

const deleteTags = hot(({ t: { client_tags }, q }, p: Params<{ client_id: string }>) =>
  q
    .delete(client_tags)
    .where(eq(client_tags.client_id, p.client_id))
    .returning({ client_id: client_tags.client_id }),
);

/** Adds a client. Fails as `unique` when its e-mail address or external id is taken. */
export async function insertClient(session: Session, row: ClientRow, country: string | null): Promise<void> {
  await insertRow.all(session, withDerived(row, country));
  await insertTags(session, row);
}

/** Writes what may change about a client, all of it. Fails as `unique` like an insert. */
export async function updateClient(
  session: Session,
  before: ClientRow,
  row: ClientRow,
  country: string | null,
): Promise<void> {
  await updateRow.all(session, withDerived(row, country));
  if (Bun.deepEquals(before.tags, row.tags)) return;
  await deleteTags.all(session, { client_id: row.id });
  await insertTags(session, row);
}

async function insertTags(session: Session, { id, tags }: ClientRow): Promise<void> {
  for (const tag_key of new Set(tags.map(fold))) await insertTag.all(session, { client_id: id, tag_key });
}

const folded = (text: string | null) => (text === null ? null : fold(text));

const withDerived = (row: ClientRow, country: string | null): Stored => ({
  ...row,
  external_id_key: folded(row.external_id),
  name_key: fold(row.name),
  email_key: folded(row.email),
  email_normal: row.email === null ? null : normalEmail(row.email),
  phone_key: row.phone === null ? null : phoneKey(row.phone, country),
  company_key: folded(row.company),
  position_key: folded(row.position),
  industry_key: folded(row.industry),
  address_key: folded(row.address),
});
