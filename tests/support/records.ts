/** The records that there are before each scenario: made over HTTP once, and put back whenever something changed. */
import { sql } from "drizzle-orm";
import type { Session, Store } from "../../src/db/store";
import { insertManyInto, type RowOf, type TableName } from "../../src/db/rows";
import type { Given, Setting, World } from "./scenario";
import type { TestServer } from "./servers";

/** The tables of whatever scenarios leave behind, besides people: each after those that refer to it. */
const recordTables = [
  ...(["tasks_search", "task_alarms", "files_search", "file_shares", "files"] as const),
  ...(["previews", "contents", "avatars", "folders", "blobs", "tasks"] as const),
  ...(["clients_search", "client_tags", "clients"] as const),
  ...(["idempotency_keys", "consumers", "events"] as const),
] as const;
const peopleTables = [
  ...(["job_problems", "job_inputs", "jobs", "invitations", "password_resets"] as const),
  ...(["refresh_tokens", "sessions", "users"] as const),
] as const;

/** Leaves a server with what every new one has. A setting that was ever stored keeps its row, as it always does. */
export async function emptyServer({ parts }: TestServer): Promise<void> {
  await parts.store.tx(async (session) => {
    const { settings } = session.t;
    const version = sql`${settings.version} + 1`;
    await session.q.update(settings).set({ value: null, updated_by: null, version });
    await empty(session, [...recordTables, ...peopleTables]);
  });
  parts.identities.forgetAll();
  await parts.settings.load();
}

/** Puts everything but the people back into the state in which a scenario begins. */
export function recordsOf(world: World, setting: Setting): () => Promise<void> {
  const { store, clients, tasks } = world.server.parts;
  let kept: Kept | undefined;
  let stateThen: string;
  return async () => {
    if (!kept) {
      await store.tx((session) => empty(session, recordTables));
      await makeRecords(world, setting);
      // In one transaction: events that have their numbers and a counter that does not would stay at odds each time.
      kept = await store.tx(rowsIn);
    } else if ((await stateOf(store)) !== stateThen) {
      // Records are at versions again that they had before, and then had something else in them.
      const again = () => store.tx((session) => putBack(session, kept!));
      await clients.written.without(() => tasks.written.without(again));
    }
    stateThen = await stateOf(store);
    await setting.given?.(world);
  };
}

async function makeRecords(world: World, { clients = {}, tasks = {}, once }: Setting): Promise<void> {
  for (const [name, record] of Object.entries(clients))
    await add(world, "clients", name, { name, ...record });
  for (const [name, record] of Object.entries(tasks))
    await add(world, "tasks", name, { title: name, ...record });
  await once?.(world);
}

async function add(
  world: World,
  resource: string,
  name: string,
  { by = "lan", deleted, ...body }: Given,
): Promise<void> {
  const answer = await world.send(by, "POST", `/api/${resource}`, { body });
  if (answer.status !== 201) throw new Error(`given ${name}: ${answer.text}`);
  world.ids[name] = answer.json.id;
  if (!deleted) return;
  const anyVersion = { headers: { "if-match": "*" } };
  await world.send("admin", "DELETE", `/api/${resource}/${answer.json.id}`, anyVersion);
}

/** The rows of one table after the other. */
type Kept = readonly (readonly RowOf<TableName>[])[];

const rowsIn = ({ q, t }: Session): Promise<Kept> =>
  Promise.all(recordTables.map(async (name) => (await q.select().from(t[name])) as RowOf<TableName>[]));

async function empty({ q, t }: Session, tables: readonly TableName[]): Promise<void> {
  for (const name of tables) await q.delete(t[name]);
}

const insertions = recordTables.map((name) => insertManyInto<TableName>(name));

async function putBack(session: Session, kept: Kept): Promise<void> {
  await empty(session, recordTables);
  for (const [i, insert] of [...insertions.entries()].toReversed()) await insert(session, kept[i]!);
}

/**
 * Differs from what it was as soon as anybody has committed a change, over whichever connection. On PostgreSQL it also does
 * after one that was rolled back, and after changes of other databases, which does no harm.
 */
async function stateOf({ engine, read }: Store): Promise<string> {
  const text = engine === "sqlite" ? "PRAGMA data_version" : "SELECT pg_snapshot_xmax(pg_current_snapshot())";
  return JSON.stringify(await read.run({ text, bind: () => [] }, []));
}
