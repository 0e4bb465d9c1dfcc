/** Both engines, migrated and ready, and the few rows and queries that the tests of the database share. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { and, eq, sql } from "drizzle-orm";
import { DbError } from "../../../src/db/errors";
import { hot, value, type Params } from "../../../src/db/hot";
import { sqliteMigrations } from "../../../src/db/migrations.generated";
import { sqliteMigrator } from "../../../src/db/migrate.sqlite";
import { openPostgresStore } from "../../../src/db/postgres";
import { openSqliteStore } from "../../../src/db/sqlite";
import type { Session, Store, StoreOptions } from "../../../src/db/store";
import type { Tables } from "../../../src/db/tables";
import { newId } from "../../../src/ids";
import { newDatabase } from "../../support/postgres";

export type Client = Tables["clients"]["$inferSelect"];

/** A folder that goes when `remove` is called. @param parent the disk, for tests about what survives */
export function temporaryFolder(parent = tmpdir()) {
  const path = mkdtempSync(join(parent, "neocrm-db-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Opens a store on a fresh, migrated database of each engine. */
export const engines: Record<Store["engine"], (folder: string, options?: StoreOptions) => Promise<Store>> = {
  sqlite: async (folder, options) => {
    const file = join(folder, `${newId()}.db`);
    await sqliteMigrator(file, join(folder, "backups"), sqliteMigrations).up();
    return openSqliteStore(file, options);
  },
  postgres: async (_, options) => openPostgresStore(await newDatabase(), options),
};

export const userRole = "01941f29-7c00-7000-8000-000000000003";

export async function insertUser({ q, t }: Session, email: string, id = newId()) {
  const times = { created_at: 1_700_000_000_000, updated_at: 1_700_000_000_000 };
  await q.insert(t.users).values({
    id,
    email,
    email_normal: email.toLowerCase(),
    full_name: email,
    full_name_key: email,
    password_hash: "",
    role_id: userRole,
    ...times,
  });
}

const insert = hot(
  (
    { t, q },
    p: Params<Pick<Client, "id" | "name" | "name_key" | "company" | "email_normal" | "tags" | "created_by">>,
  ) =>
    q
      .insert(t.clients)
      .values({
        id: p.id,
        name: p.name,
        name_key: p.name_key,
        company: p.company,
        email_normal: p.email_normal,
        status: "active",
        tags: p.tags,
        created_by: p.created_by,
        created_at: 1_700_000_000_000,
        updated_at: 1_700_000_000_000,
      })
      .returning(),
);

export async function insertClient(
  session: Session,
  created_by: string,
  { name = "Acme", company = null as string | null, email_normal = null as string | null } = {},
): Promise<Client> {
  const name_key = name.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const row = { id: newId(), name, name_key, company, email_normal, tags: [name], created_by };
  return (await insert.first(session, row))!;
}

const byId = hot(({ t, q }, p: Params<Pick<Client, "id">>) =>
  q.select().from(t.clients).where(eq(t.clients.id, p.id)).limit(1),
);

export const clientById = (session: Session, id: string) => byId.first(session, { id });

/** Nothing comes back when somebody changed the client since `version`. */
export const renameIfUnchanged = hot(({ t, q }, p: Params<Pick<Client, "id" | "name" | "version">>) =>
  q
    .update(t.clients)
    .set({ name: value(t.clients.name, p.name), version: sql`${t.clients.version} + 1` })
    .where(and(eq(t.clients.id, p.id), eq(t.clients.version, p.version)))
    .returning(),
);

/** How a promise failed, in a few words. */
export async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return error instanceof DbError ? `${error.kind} ${error.field}` : (error as Error).message;
  }
  return "no error";
}
