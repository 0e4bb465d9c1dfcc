/**
 * The floor: a bare `Bun.serve` with prepared statements that answers the same bytes, and nothing else. No tokens, no
 * limits, no log, no checks; a new client is one row without its tags and its event. What the server costs more than
 * this is the price of what it does.
 *
 *   bun bench/floor.ts <database> <port>
 */
import { Database } from "bun:sqlite";

const [file, port] = process.argv.slice(2);
const reader = new Database(file!, { readonly: true });
reader.run("PRAGMA cache_size = -65536");
const writer = new Database(file!);
for (const pragma of [
  "journal_mode = WAL",
  "synchronous = FULL",
  "cache_size = -65536",
  "temp_store = MEMORY",
])
  writer.run(`PRAGMA ${pragma}`);

const columns =
  "id, external_id, name, email, phone, company, position, industry, address, status, assigned_to, tags, notes, " +
  "avatar_url, created_by, created_at, updated_at, deleted_at, version";
const inserted =
  "id, name, name_key, email, email_key, email_normal, phone, phone_key, company, company_key, status, tags, notes, " +
  "created_by, created_at, updated_at, version";
const byId = reader.prepare(`SELECT ${columns} FROM clients WHERE id = ? LIMIT 1`);
const page = (condition: string) =>
  reader.prepare(
    `SELECT ${columns} FROM clients WHERE deleted_at IS NULL AND ${condition} ` +
      "ORDER BY created_at DESC, id DESC LIMIT (? + 0)",
  );
const newest = page("true");
const withStatus = page("status = ?");
const after = page("(created_at, id) < (?, ?)");
const insert = writer.prepare(
  `INSERT INTO clients (${inserted}) VALUES (${inserted.replaceAll(/\w+/g, "?")})`,
);
// Without RETURNING, for which SQLite keeps each page as it was before: that takes as long as reading the row.
const setNotes = writer.prepare(
  "UPDATE clients SET notes = ?, updated_at = ?, version = version + 1 WHERE id = ?",
);
const asWritten = writer.prepare(`SELECT ${columns} FROM clients WHERE id = ? LIMIT 1`);
const passwordOf = reader.prepare("SELECT password_hash FROM users WHERE email_normal = ?");
/** Who makes new clients, in turn: in the index of creators, each has a place of their own. */
const people = (reader.query("SELECT id FROM users").all() as { id: string }[]).map(({ id }) => id);

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

const limit = 20;

function list(query: URLSearchParams) {
  const [status, cursor] = [query.get("status"), query.get("cursor")];
  const rows = (
    cursor
      ? after.all(...position(cursor))
      : status
        ? withStatus.all(status, limit + 1)
        : newest.all(limit + 1)
  ) as Row[];
  const data = rows.slice(0, limit);
  const { created_at, id } = data.at(-1)!;
  const next_cursor = Buffer.from(JSON.stringify(["floor", null, id, created_at])).toString("base64url");
  const pagination = { page: cursor ? null : 1, limit, total: null, total_pages: null, total_capped: false };
  return { data: data.map(present), pagination: { ...pagination, next_cursor } };
}

function position(cursor: string): [number, string, number] {
  const [, , id, at] = JSON.parse(Buffer.from(cursor, "base64url").toString()) as [
    string,
    null,
    string,
    number,
  ];
  return [at, id, limit + 1];
}

const waiting: (() => void)[] = [];

/** Whoever waits when the sockets that are ready had their turn shares one commit, and is answered after it. */
function write<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => {
    waiting.push(() => {
      const result = work();
      answers.push(() => resolve(result));
    });
    if (waiting.length === 1) setImmediate(commit);
  });
}

const answers: (() => void)[] = [];

const commit = () => {
  writer.run("BEGIN IMMEDIATE");
  for (const work of waiting.splice(0)) work();
  writer.run("COMMIT");
  for (const answer of answers.splice(0)) answer();
};

let made = 0;

async function create(request: Request) {
  const { name, email, phone, company, status, tags, notes } = (await request.json()) as Record<
    string,
    string
  >;
  const [id, at, creator] = [Bun.randomUUIDv7(), Date.now(), people[made++ % people.length]!];
  const row = await write(() => {
    insert.run(
      ...[id, name!, name!.toLowerCase(), email!, email!, email!, phone!, phone!, company!],
      ...[company!.toLowerCase(), status!, JSON.stringify(tags), notes!, creator, at, at, 1],
    );
    return asWritten.get(id) as Row;
  });
  return Response.json(present(row), { status: 201 });
}

async function update(request: Request, id: string) {
  const { notes } = (await request.json()) as { notes: string };
  const row = await write(() => {
    setNotes.run(notes, Date.now(), id);
    return asWritten.get(id) as Row;
  });
  return Response.json(present(row));
}

async function login(request: Request) {
  const { email, password } = (await request.json()) as Record<string, string>;
  const { password_hash } = passwordOf.get(email!) as { password_hash: string };
  if (!(await Bun.password.verify(password!, password_hash))) return new Response(null, { status: 401 });
  return Response.json({ access_token: "floor" });
}

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  development: false,
  fetch(request) {
    const path = request.url.slice(request.url.indexOf("/", 8));
    if (path.startsWith("/api/clients/")) {
      const id = path.slice(13);
      return request.method === "PATCH" ? update(request, id) : Response.json(present(byId.get(id) as Row));
    }
    if (path.startsWith("/api/clients?")) return Response.json(list(new URLSearchParams(path.slice(13))));
    if (path === "/api/clients") return create(request);
    if (path === "/api/auth/login") return login(request);
    return new Response(null, { status: path === "/health/live" ? 200 : 404 });
  },
});
