/**
 * The floor: a bare `Bun.serve` with prepared statements that answers the same bytes, and nothing else. No tokens, no
 * limits, no log, no events. What the server costs more than this is the price of what it does.
 *
 *   bun bench/floor.ts <database> <port>
 */
import { Database } from "bun:sqlite";

const [file, port] = process.argv.slice(2);
const db = new Database(file!, { readonly: true });
db.run("PRAGMA cache_size = -65536");

const columns =
  "id, external_id, name, email, phone, company, position, industry, address, status, assigned_to, tags, notes, " +
  "avatar_url, created_by, created_at, updated_at, deleted_at, version";
const byId = db.prepare(`SELECT ${columns} FROM clients WHERE id = ? LIMIT 1`);
const newest = db.prepare(
  `SELECT ${columns} FROM clients WHERE deleted_at IS NULL ORDER BY created_at DESC, id DESC LIMIT (? + 0)`,
);

interface Row {
  id: string;
  tags: string;
  created_at: number;
  updated_at: number;
  deleted_at: number | null;
}

const iso = (at: number | null) => (at === null ? null : new Date(at).toISOString());

function present(row: Row) {
  const { tags, created_at, updated_at, deleted_at } = row;
  return Object.assign(row, {
    tags: JSON.parse(tags),
    created_at: iso(created_at),
    updated_at: iso(updated_at),
    deleted_at: iso(deleted_at),
  });
}

function list(limit: number) {
  const rows = newest.all(limit + 1) as Row[];
  const data = rows.slice(0, limit);
  const last = data.at(-1)!;
  const cursor = { v: [last.created_at], id: last.id };
  const next_cursor = Buffer.from(JSON.stringify(cursor)).toString("base64url");
  const pagination = { page: 1, limit, total: null, total_pages: null, total_capped: false, next_cursor };
  return { data: data.map(present), pagination };
}

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  development: false,
  fetch(request) {
    const path = request.url.slice(request.url.indexOf("/", 8));
    if (path.startsWith("/api/clients/")) return Response.json(present(byId.get(path.slice(13)) as Row));
    if (path.startsWith("/api/clients?")) return Response.json(list(20));
    return new Response(null, { status: 404 });
  },
});
console.log(server.port);
