/**
 * The long drills, whole: `bun run drills`. Prints a table for docs/testing.md and exits 1 when one fails.
 * The tests run the same drills shortened.
 */
import "../src/config/node-env";
import { hostileDrill } from "../tests/drills/hostile";
import { killDrill } from "../tests/drills/kill";
import { syncDrill } from "../tests/drills/sync";
import { newDatabase } from "../tests/support/postgres";
import { engines } from "../tests/support/servers";

const rows: [drill: string, result: string, passed: boolean][] = [];

const sync = await syncDrill({ writers: 20, each: 50 });
rows.push([
  "the WAL is synced before each acknowledgement is sent",
  `${sync.acknowledgements} acknowledgements, ${sync.unsynced} unsynced, ${sync.syncs} syncs`,
  sync.acknowledgements === 1_000 && sync.unsynced === 0,
]);

for (const [engine, databaseUrl] of [
  ["SQLite", undefined],
  ["PostgreSQL", await newDatabase({ durable: true, empty: true })],
] as const) {
  const kill = await killDrill({ rounds: 20, writers: 100, writes: 5_000, databaseUrl });
  rows.push([
    `kill -9 under 100 concurrent writers, ${engine}`,
    `${kill.kills} kills, ${kill.acknowledged} acknowledged writes, ${kill.repeated} repeated, ` +
      `${kill.lost.length} lost, ${kill.doubled.length} doubled`,
    kill.lost.length + kill.doubled.length === 0 && kill.acknowledged > 2_000,
  ]);
}

const seed = Number(process.env.SEED ?? Date.now() % 1e9);
for (const engine of engines) {
  const { sent, answers, wrong } = await hostileDrill({ engine, requests: 20_000, seed });
  for (const fault of wrong) console.log(fault);
  rows.push([
    `hostile requests made from the OpenAPI document, ${engine}, SEED=${seed}`,
    `${sent} sent, ${answers["2"] ?? 0} done, ${answers["4"] ?? 0} refused, ${wrong.length} not as promised`,
    sent === 20_000 && wrong.length === 0,
  ]);
}

console.log("| drill | result | |\n| --- | --- | --- |");
for (const [drill, result, passed] of rows)
  console.log(`| ${drill} | ${result} | ${passed ? "passed" : "FAILED"} |`);
process.exit(rows.every(([, , passed]) => passed) ? 0 : 1);
