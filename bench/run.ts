/**
 * Measures the executable beside a floor, beside what one would write instead, and on PostgreSQL, interleaved in one run;
 * one core for the servers and one for the load:
 *
 *   bun run bench [--quick] [--clients 100000] [--seconds 4] [--rounds 3] [--connections 100]
 *
 * Needs wrk, taskset and node (Debian: wrk, util-linux, nodejs). Prints the tables of docs/performance.md.
 */
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { newDatabase } from "../tests/support/postgres";
import { casesOf, type Case } from "./cases";
import { compare } from "./compare";
import { signInAll, startFastify, startFloor, startNeocrm, type Contender } from "./contenders";
import { postgresTarget, sqliteTarget } from "./fill";
import { residentBytes } from "./load";
import { readsDuringLogins } from "./logins";
import { seedRows, userCount } from "./seed";
import { ask, measureShapes } from "./shapes";
import { measureStarts } from "./start";
import { below, printTargets } from "./table";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    clients: { type: "string" },
    seconds: { type: "string" },
    rounds: { type: "string" },
    connections: { type: "string" },
  },
});
const usual = values.quick
  ? { clients: 20_000, seconds: 1, rounds: 1, connections: 100 }
  : { clients: 100_000, seconds: 4, rounds: 3, connections: 100 };
const given = (name: keyof typeof usual) => Number(values[name] ?? usual[name]);
const [clientCount, connections] = [given("clients"), given("connections")];
const effort = { seconds: given("seconds"), rounds: given("rounds") };

const folder = mkdtempSync(join(tmpdir(), "neocrm-bench-"));
const running: Contender[] = [];

try {
  const dataDir = join(folder, "data");
  const postgresUrl = await newDatabase({ durable: true });
  const seed = await seedAll(dataDir, postgresUrl);
  const idsFile = join(folder, "ids");
  await Bun.write(idsFile, seed.clients!.filter((_, i) => i % 17 === 0).map(({ id }) => id).join("\n")); // prettier-ignore

  const targets = await measureStarts(dataDir, values.quick ? 1 : 5);
  const ofShapes = await withServers(dataDir, postgresUrl, (servers) => {
    const effort = values.quick ? { requests: 10, milliseconds: 100 } : { requests: 100, milliseconds: 700 };
    // A client that stands on no page that is compared afterwards.
    const ids = { user: seed.users![0]!.id, client: seed.clients![clientCount >> 2]!.id };
    return measureShapes(servers, ids, effort);
  });
  const copyFor = (name: string) => {
    const copy = join(folder, `${name}.db`);
    copyFileSync(join(dataDir, "neocrm.db"), copy);
    return copy;
  };
  running.push(await startFloor(copyFor("floor")));
  running.push(await startFastify(copyFor("fastify")));
  running.push(await startNeocrm("neocrm", dataDir));
  running.push(await startNeocrm("neocrm, PostgreSQL", join(folder, "data-postgres"), postgresUrl));
  for (const contender of running) await signInAll(contender);
  const neocrm = running[2]!;

  const cases = casesOf(await middleOf(neocrm, clientCount));
  await assertSameBytes(running, cases, seed.clients![0]!.id);
  console.log(
    `${new Date().toISOString().slice(0, 10)}: ${clientCount.toLocaleString("en")} clients and twice as many tasks, ${connections} connections, ` +
      `median of ${effort.rounds} rounds of ${effort.seconds} s, ${availableParallelism()} cores`,
  );
  const load = { idsFile, users: userCount, connections };
  targets.push(...(await compare(running, cases, load, effort)));
  targets.push(await readsDuringLogins(neocrm, cases[0]!, load, effort));
  targets.push(below("memory under load", 200, residentBytes(neocrm.pid) / 1024 / 1024, "MiB"));
  printTargets([...targets, ...ofShapes]);
} finally {
  await Promise.all(running.map((contender) => contender.stop()));
  rmSync(folder, { recursive: true, force: true });
}

/** Lets the executable make its tables and its first account on both engines, and fills in the same rows. */
async function seedAll(dataDir: string, postgresUrl: string) {
  await (await startNeocrm("neocrm", dataDir)).stop();
  await (await startNeocrm("neocrm, PostgreSQL", join(folder, "data-postgres"), postgresUrl)).stop();
  const [sqlite, postgres] = [sqliteTarget(join(dataDir, "neocrm.db")), postgresTarget(postgresUrl)];
  const seed = seedRows(clientCount, await sqlite.account());
  await sqlite.insert(seed);
  await postgres.insert(seed);
  return seed;
}

/** Lists are measured on the rows that were seeded, on servers of their own: the bursts add half as many again. */
async function withServers<T>(
  dataDir: string,
  postgresUrl: string,
  measure: (servers: Contender[]) => Promise<T>,
): Promise<T> {
  const servers = [
    await startNeocrm("neocrm", dataDir),
    await startNeocrm("neocrm, PostgreSQL", join(folder, "data-postgres"), postgresUrl),
  ];
  try {
    for (const server of servers) await signInAll(server);
    return await measure(servers);
  } finally {
    for (const server of servers) await server.stop();
  }
}

/** The cursor in the middle of the list. */
async function middleOf(server: Contender, count: number): Promise<string> {
  let cursor = "";
  for (let seen = 0; seen < count / 2; seen += 200) {
    const { pagination } = await ask(server, `clients?limit=200&count=none${cursor && `&cursor=${cursor}`}`);
    cursor = pagination.next_cursor;
  }
  return cursor;
}

/** A comparison of different answers would compare nothing; only the opaque cursor may differ. */
async function assertSameBytes(contenders: Contender[], cases: Case[], id: string): Promise<void> {
  for (const { path } of cases.filter(({ method }) => method === "GET")) {
    const bodies = await Promise.all(
      contenders.map(async ({ url, tokens }) => {
        const headers = { authorization: `Bearer ${tokens[0]}` };
        const response = await fetch(url + path.replace(":id", id), { headers });
        return (await response.text()).replace(/"next_cursor":"[^"]*"/, "");
      }),
    );
    const other = bodies.find((body) => body !== bodies[0]);
    if (other !== undefined) throw new Error(`The answers to ${path} differ:\n${bodies[0]}\n${other}`);
  }
}
