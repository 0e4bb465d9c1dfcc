import { Type, type Static } from "@sinclair/typebox";
import { isoTime, isoTimeOrNull } from "../../clock";
import { Body, Email, Id, Instant, Nullable, Text, Url } from "../../http/schema";
import type { ClientRow } from "./store";

/** How far the relation with a client has come. */
export const clientStatuses = ["prospect", "active", "inactive", "customer"] as const;

const Status = Type.Union(clientStatuses.map((status) => Type.Literal(status)));

/** A client as the API shows it. */
export const ClientView = Type.Object(
  {
    id: Type.String(),
    external_id: Nullable(Type.String()),
    name: Type.String(),
    email: Nullable(Type.String()),
    phone: Nullable(Type.String()),
    company: Nullable(Type.String()),
    position: Nullable(Type.String()),
    industry: Nullable(Type.String()),
    address: Nullable(Type.String()),
    status: Status,
    assigned_to: Nullable(Type.String()),
    tags: Type.Array(Type.String()),
    notes: Nullable(Type.String()),
    avatar_url: Nullable(Type.String()),
    created_by: Type.String(),
    created_at: Instant,
    updated_at: Instant,
    deleted_at: Nullable(Instant),
    version: Type.Integer(),
  },
  { title: "Client" },
);
export type ClientView = Static<typeof ClientView>;

const optional = {
  external_id: Nullable(Text(200)),
  email: Nullable(Email),
  phone: Nullable(Text(50)),
  company: Nullable(Text(200)),
  position: Nullable(Text(200)),
  industry: Nullable(Text(200)),
  address: Nullable(Text(500)),
  status: Status,
  assigned_to: Nullable(Id),
  tags: Nullable(Type.Array(Text(50), { maxItems: 50 })),
  notes: Nullable(Type.String({ maxLength: 20_000 })),
  avatar_url: Nullable(Url),
};

/** What a new client is made from: a name, and whatever else is known. */
export const ClientInput = Type.Composite(
  [Body({ name: Text(200) }), Type.Partial(Body(optional), { additionalProperties: false })],
  { title: "ClientInput", additionalProperties: false },
);
export type ClientInput = Static<typeof ClientInput>;

/** The fields to change; `null` clears. */
export const ClientPatch = Type.Partial(Body({ name: Text(200), ...optional }), {
  title: "ClientPatch",
  additionalProperties: false,
});
export type ClientPatch = Static<typeof ClientPatch>;

/** The row as the API shows it. */
export const presentClient = (row: ClientRow): ClientView => ({
  id: row.id,
  external_id: row.external_id,
  name: row.name,
  email: row.email,
  phone: row.phone,
  company: row.company,
  position: row.position,
  industry: row.industry,
  address: row.address,
  status: row.status,
  assigned_to: row.assigned_to,
  tags: row.tags,
  notes: row.notes,
  avatar_url: row.avatar_url,
  created_by: row.created_by,
  created_at: isoTime(row.created_at),
  updated_at: isoTime(row.updated_at),
  deleted_at: isoTimeOrNull(row.deleted_at),
  version: row.version,
});
