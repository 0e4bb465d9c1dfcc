import { clientFields } from "../src/features/clients/fields";
import { taskFields } from "../src/features/tasks/fields";
import type { Fields } from "../src/list";
import type { Contender } from "./contenders";
import { below, percentile, printTable, type TableRow, type Target } from "./table";

/** How often each list is asked for, and after how long it is enough. */
export interface ShapeEffort {
  requests: number;
  milliseconds: number;
}

const slowestMs = 50;

/** Queries of the list of clients, by what the database has to do for them. */
const ofClients = (userId: string) => [
  "filter[external_id]=ext-777",
  "filter[email]=client777@example.com",
  "filter[phone]=%2B4720000777",
  "filter[name]=jack smith 666",
  "filter[name][starts_with]=leonie",
  "filter[name][contains]=wojcik",
  "filter[name][contains]=nobody",
  "filter[phone][contains]=0777",
  "filter[company]=company 77",
  "filter[company][is_null]=true",
  "filter[industry]=retail",
  "filter[status]=active",
  "filter[status][in]=active,customer",
  "filter[status][ne]=active",
  `filter[assigned_to]=${userId}`,
  `filter[created_by]=${userId}`,
  "filter[tags]=vip",
  "filter[tags]=nothing",
  "filter[tags][all]=vip,north",
  "filter[created_at][gte]=today-30d",
  "status=active&sort=name",
  `status=active&filter[assigned_to]=${userId}`,
  "status=active&filter[name][contains]=jack",
  "sort=status,-created_at",
  "sort=company,-name",
  "page=500",
  "count=exact",
  "status=active&count=exact",
  "deleted=only",
  "deleted=with",
];

/** The same of tasks. */
const ofTasks = (userId: string) => [
  "filter[title][starts_with]=call back about offer 77",
  "filter[title][contains]=nobody",
  "status=pending",
  "filter[priority]=urgent",
  "filter[due_date][lt]=today",
  `filter[assigned_to]=${userId}`,
  `filter[assigned_to]=${userId}&sort=due_date`,
  `status=pending&filter[assigned_to]=${userId}`,
  "sort=-priority,due_date",
  "count=exact",
  "deleted=only",
];

interface Shape {
  path: string;
  /** Asked for again from where its pages can no longer be reached by number. */
  isWalked: boolean;
}

const shapesOf = (fields: Fields, filtered: string[]): Shape[] => {
  const sorts = fields.sortKeys.flatMap((key) => [`sort=${key}`, `sort=-${key}`]);
  const shape = (isWalked: boolean) => (query: string) => ({ path: `${fields.resource}?${query}`, isWalked });
  return [...sorts.map(shape(true)), ...filtered.map(shape(false))];
};

/**
 * Asks each server for every kind of list, one request after the other, and prints how long each takes. `ids` are a
 * person's and a client's.
 */
export async function measureShapes(
  servers: Contender[],
  ids: { user: string; client: string },
  effort: ShapeEffort,
): Promise<Target[]> {
  const shapes = [...shapesOf(clientFields, ofClients(ids.user)), ...shapesOf(taskFields, ofTasks(ids.user))];
  const rows: TableRow[] = [];
  let worst = 0;
  for (const { path, isWalked } of shapes) {
    for (const isDeep of isWalked ? [false, true] : [false]) {
      const cells: string[] = [];
      for (const server of servers) {
        const asked = isDeep ? await deep(server, path) : path;
        const times = await timesOf(server, asked, ids.client, effort);
        cells.push(percentile(times, 50).toFixed(1), percentile(times, 99).toFixed(1));
        if (server === servers[0]) worst = Math.max(worst, percentile(times, 99));
      }
      const name = path.replaceAll(ids.user, ":user");
      rows.push([isDeep ? `${name}, after the 10,000th` : name, ...cells]);
    }
  }
  printTable(
    "Lists, one request after the other:",
    ["list", ...servers.flatMap(({ name }) => [`${name}: p50 ms`, "p99 ms"])],
    rows,
  );
  return [below("the slowest kind of list, p99", slowestMs, worst, "ms")];
}

async function timesOf(
  server: Contender,
  path: string,
  clientId: string,
  effort: ShapeEffort,
): Promise<number[]> {
  const times: number[] = [];
  const startedAt = performance.now();
  await ask(server, path);
  do {
    await change(server, clientId);
    const askedAt = performance.now();
    await ask(server, path);
    times.push(performance.now() - askedAt);
  } while (times.length < effort.requests && performance.now() - startedAt < effort.milliseconds);
  return times;
}

let changes = 0;

/** After a commit each list is looked up again; without one, only how well the server remembers would be measured. */
async function change({ url, tokens }: Contender, clientId: string): Promise<void> {
  const response = await fetch(`${url}/api/clients/${clientId}`, {
    method: "PATCH",
    headers: { authorization: `Bearer ${tokens[0]}`, "content-type": "application/json" },
    body: JSON.stringify({ notes: `Called ${++changes} times.` }),
  });
  if (!response.ok)
    throw new Error(`A client cannot be changed: ${response.status} ${await response.text()}`);
}

/** The same list, from where its pages can no longer be reached by number. */
async function deep(server: Contender, path: string): Promise<string> {
  const { pagination } = await ask(server, `${path}&limit=200&page=50`);
  return `${path}&cursor=${pagination.next_cursor}`;
}

/** One page of a list; `path` is what follows `/api/`. @throws Error when it is refused */
export async function ask({ url, tokens }: Contender, path: string) {
  const response = await fetch(`${url}/api/${path.replaceAll(" ", "%20")}`, {
    headers: { authorization: `Bearer ${tokens[0]}` },
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as { pagination: { next_cursor: string } };
}
