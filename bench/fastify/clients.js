import { randomUUID } from "node:crypto";
import Database from "better-sqlite3";

const columns =
  "id, external_id, name, email, phone, company, position, industry, address, status, assigned_to, tags, notes, " +
  "avatar_url, created_by, created_at, updated_at, deleted_at, version";
const inserted =
  "id, name, name_key, email, email_key, email_normal, phone, phone_key, company, company_key, status, tags, notes, " +
  "created_by, created_at, updated_at, version";
const changed =
  "name, name_key, email, email_key, email_normal, phone, phone_key, company, company_key, status, tags, notes, " +
  "updated_at, version";
const recorded =
  "id, type, entity_type, entity_id, version, actor_kind, actor_id, request_id, changes, created_at";

const named = (names) => names.replaceAll(/\w+/g, "@$&");
const lower = (value) => value?.toLowerCase() ?? null;
const iso = (at) => (at === null ? null : new Date(at).toISOString());

const present = (row) => ({
  ...row,
  tags: JSON.parse(row.tags),
  created_at: iso(row.created_at),
  updated_at: iso(row.updated_at),
  deleted_at: iso(row.deleted_at),
});

const withKeys = (row) => ({
  ...row,
  name_key: lower(row.name),
  email_key: lower(row.email),
  email_normal: lower(row.email),
  phone_key: row.phone,
  company_key: lower(row.company),
  tags: JSON.stringify(row.tags),
});

/** The clients in a database, and what happens to them. A change and its event are one transaction. */
export function openClients(file) {
  const db = new Database(file);
  for (const pragma of [
    "journal_mode = WAL",
    "synchronous = NORMAL",
    "cache_size = -65536",
    "foreign_keys = ON",
  ])
    db.pragma(pragma);

  const page = (condition) =>
    db.prepare(
      `SELECT ${columns} FROM clients WHERE deleted_at IS NULL AND ${condition} ` +
        "ORDER BY created_at DESC, id DESC LIMIT @most",
    );
  const newest = page("true");
  const withStatus = page("status = @status");
  const after = page("(created_at, id) < (@at, @id)");
  const user = db.prepare("SELECT id, password_hash FROM users WHERE email_normal = ?");
  const byId = db.prepare(`SELECT ${columns} FROM clients WHERE id = ? AND deleted_at IS NULL`);
  const insert = db.prepare(`INSERT INTO clients (${inserted}) VALUES (${named(inserted)})`);
  const update = db.prepare(`UPDATE clients SET (${changed}) = (${named(changed)}) WHERE id = @id`);
  const insertTag = db.prepare("INSERT INTO client_tags (client_id, tag_key) VALUES (?, ?)");
  const insertEvent = db.prepare(`INSERT INTO events (${recorded}) VALUES (${named(recorded)})`);

  function record(type, before, after, actorId, requestId) {
    const changes = {};
    for (const [field, value] of Object.entries(after)) {
      if (before[field] !== value) changes[field] = [before[field] ?? null, value];
    }
    insertEvent.run({
      ...{ id: randomUUID(), type, entity_type: "client", entity_id: after.id, version: after.version },
      ...{ actor_kind: "user", actor_id: actorId, request_id: requestId },
      ...{ changes: JSON.stringify(changes), created_at: Date.now() },
    });
  }

  function list({ status, cursor, limit }) {
    const rows = (cursor ? after : status ? withStatus : newest).all({
      ...(cursor && position(cursor)),
      ...(status && { status }),
      most: limit + 1,
    });
    const data = rows.slice(0, limit);
    const last = data.at(-1);
    const next = rows.length > limit ? ["fastify", null, last.id, last.created_at] : null;
    return {
      data: data.map(present),
      pagination: {
        ...{ page: cursor ? null : 1, limit, total: null, total_pages: null, total_capped: false },
        next_cursor: next && Buffer.from(JSON.stringify(next)).toString("base64url"),
      },
    };
  }

  return {
    list,
    userWith: (email) => user.get(email.toLowerCase()),
    get(id) {
      const row = byId.get(id);
      return row && present(row);
    },
    create: db.transaction((input, actorId, requestId) => {
      const at = Date.now();
      const row = {
        ...{ email: null, phone: null, company: null, status: "prospect", tags: [], notes: null, ...input },
        ...{ id: randomUUID(), created_by: actorId, created_at: at, updated_at: at, version: 1 },
      };
      insert.run(withKeys(row));
      for (const tag of row.tags) insertTag.run(row.id, lower(tag));
      const client = present(byId.get(row.id));
      record("client.created", {}, client, actorId, requestId);
      return client;
    }),
    change: db.transaction((id, patch, actorId, requestId) => {
      const before = byId.get(id);
      if (!before) return undefined;
      const row = { ...before, tags: JSON.parse(before.tags), ...patch };
      update.run(withKeys({ ...row, updated_at: Date.now(), version: before.version + 1 }));
      const client = present(byId.get(id));
      record("client.updated", present(before), client, actorId, requestId);
      return client;
    }),
  };
}

function position(cursor) {
  const [, , id, at] = JSON.parse(Buffer.from(cursor, "base64url").toString());
  return { id, at };
}
