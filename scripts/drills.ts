/**
 * The long drills, whole: `bun run drills`. Prints a table for docs/testing.md and exits 1 when one fails.
 * The tests run the same drills shortened.
 */
import "../src/config/node-env";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { arm64Drill } from "../tests/drills/arm64";
import { bulkDrill } from "../tests/drills/bulk";
import { backupDrill, restoreDrill } from "../tests/drills/backup";
import { eventsDrill } from "../tests/drills/events";
import { filesDrill } from "../tests/drills/files";
import { memoryDrill } from "../tests/drills/files-memory";
import { hostileDrill } from "../tests/drills/hostile";
import { importsDrill } from "../tests/drills/imports";
import { killDrill } from "../tests/drills/kill";
import {
  clockDrill,
  damageDrill,
  fullDiskDrill,
  lostBytesDrill,
  mailDrill,
  postgresDrill,
  readOnlyDrill,
} from "../tests/drills/outages";
import { syncDrill } from "../tests/drills/sync";
import { newcomerDrill } from "../tests/drills/newcomer";
import { newDatabase } from "../tests/support/postgres";
import { engines } from "../tests/support/servers";
import type { Architecture } from "./processor";
import { makeRelease } from "./release";

let allPassed = true;
console.log("| drill | result | |\n| --- | --- | --- |");

/** A row of the table, as soon as it is known: what stops a later drill takes none away. */
function row(drill: string, result: string, passed: boolean): void {
  console.log(`| ${drill} | ${result} | ${passed ? "passed" : "FAILED"} |`);
  allPassed &&= passed;
}

const sync = await syncDrill({ writers: 20, each: 50 });
row(
  "the WAL is synced before each acknowledgement is sent",
  `${sync.acknowledgements} acknowledgements, ${sync.unsynced} unsynced, ${sync.syncs} syncs`,
  sync.acknowledgements === 1_000 && sync.unsynced === 0,
);

for (const [engine, databaseUrl] of [
  ["SQLite", undefined],
  ["PostgreSQL", await newDatabase({ durable: true, empty: true })],
] as const) {
  const kill = await killDrill({ rounds: 20, writers: 100, writes: 5_000, databaseUrl });
  row(
    `kill -9 under 100 concurrent writers, ${engine}`,
    `${kill.kills} kills, ${kill.acknowledged} acknowledged writes, ${kill.repeated} repeated, ` +
      `${kill.lost.length} lost, ${kill.doubled.length} doubled`,
    kill.lost.length + kill.doubled.length === 0 && kill.acknowledged > 2_000,
  );
}

const seed = Number(process.env.SEED ?? Date.now() % 1e9);

for (const [engine, databaseUrl] of [
  ["SQLite", undefined],
  ["PostgreSQL", await newDatabase({ durable: true, empty: true })],
] as const) {
  const drill = await eventsDrill({ kills: 50, writers: 10, writes: 40, seed, databaseUrl });
  for (const fault of drill.faults) console.error(fault);
  row(
    `kill -9 while tasks are given, and what follows from each, ${engine}, SEED=${seed}`,
    `${drill.kills} kills, ${drill.acknowledged} acknowledged, ${drill.faults.length} without exactly one activity, ` +
      "notification, frame and mail id",
    drill.faults.length === 0 && drill.acknowledged > 1_000,
  );
}

for (const [engine, databaseUrl] of [
  ["SQLite", undefined],
  ["PostgreSQL", await newDatabase({ durable: true, empty: true })],
] as const) {
  const files = await filesDrill({ kills: 20, writers: 20, writes: 400, seed, databaseUrl });
  for (const fault of files.faults) console.error(fault);
  row(
    `kill -9 while files are uploaded, moved and deleted, ${engine}, SEED=${seed}`,
    `${files.kills} kills, ${files.acknowledged} acknowledged, ${files.swept} left without a row and swept, ` +
      `${files.faults.length} rows or bytes not as acknowledged`,
    files.faults.length === 0 && files.acknowledged > 1_000,
  );
}

// SQLite is done with 5,000 records before a server that was killed answers again.
for (const [engine, records, databaseUrls] of [
  ["SQLite", 15_000, undefined],
  [
    "PostgreSQL",
    5_000,
    [await newDatabase({ durable: true, empty: true }), await newDatabase({ empty: true })],
  ],
] as const) {
  const bulk = await bulkDrill({ records, killsOfEach: 4, seed, databaseUrls });
  for (const fault of bulk.faults) console.error(fault);
  row(
    `kill -9 while many records are changed, deleted and taken back, ${engine}, SEED=${seed}`,
    `${bulk.kills} kills, ${bulk.changes} changes, ${bulk.faults.length} differences from a run that nobody disturbed`,
    bulk.faults.length === 0 && bulk.kills > 8,
  );
}

for (const [engine, databases] of [
  ["SQLite", undefined],
  ["PostgreSQL", () => newDatabase({ durable: true, empty: true })],
] as const) {
  const made = await backupDrill({ rounds: 10, writers: 20, seed, newDatabase: databases });
  for (const fault of made.faults) console.error(fault);
  row(
    `a backup under load, kill -9, restored elsewhere, ${engine}, SEED=${seed}`,
    `${made.backups} backups, ${made.acknowledged} acknowledged records and files ` +
      `looked for, ${made.faults.length} lost or different`,
    made.faults.length === 0 && made.acknowledged > 1_000,
  );
  const killed = await restoreDrill({ kills: 30, seed, newDatabase: databases });
  for (const fault of killed.faults) console.error(fault);
  row(
    `kill -9 of a restore, ${engine}, SEED=${seed}`,
    `${killed.kills} kills, ${killed.old} times what was there before, ${killed.restored} times what was restored, ` +
      `${killed.faults.length} times something else`,
    killed.faults.length === 0 && killed.old > 0 && killed.restored > 0,
  );
}

for (const [engine, databaseUrl] of [
  ["SQLite", undefined],
  ["PostgreSQL", await newDatabase({ durable: true, empty: true })],
] as const) {
  const imports = await importsDrill({ rounds: 10, killsEach: 6, rows: 20_000, seed, databaseUrl });
  for (const fault of imports.faults) console.error(fault);
  row(
    `kill -9 during imports of 20,000 rows and during their undo, ${engine}, SEED=${seed}`,
    `${imports.kills} kills, ${imports.midway} midway, ${imports.faults.length} outcomes other than undisturbed`,
    imports.faults.length === 0 && imports.midway > 40,
  );
}

const large = await memoryDrill(2_000);
row(
  "a file of 2 GB is uploaded",
  `${large.isWhole ? "whole" : "broken"}, memory grew by ${large.grewMiB.toFixed(0)} MiB`,
  large.status === 201 && large.isWhole && large.grewMiB < 64,
);

for (const engine of engines) {
  const { sent, answers, wrong } = await hostileDrill({ engine, requests: 20_000, seed });
  for (const fault of wrong) console.error(fault);
  row(
    `hostile requests made from the OpenAPI document, ${engine}, SEED=${seed}`,
    `${sent} sent, ${answers["2"] ?? 0} done, ${answers["4"] ?? 0} refused, ${wrong.length} not as promised`,
    sent === 20_000 && wrong.length === 0,
  );
}

const outages = [
  ["the disk becomes full, and has room again", fullDiskDrill, [507]],
  // 503 where a commit waited for the disk just then.
  ["the disk takes no writes, and does again", readOnlyDrill, [503, 507]],
  ["PostgreSQL crashes, and comes back", postgresDrill, [503]],
] as const;
for (const [what, drill, statuses] of outages) {
  const { acknowledged, refused, lost } = await drill();
  row(
    what,
    `${acknowledged} acknowledged writes, refused meanwhile with ${refused.join(", ")}, ${lost.length} lost or doubled`,
    lost.length === 0 && refused.length > 0 && new Set(refused).isSubsetOf(new Set<number>(statuses)),
  );
}

const damage = await damageDrill();
row(
  "a page of SQLite's file is damaged",
  `${damage.reads[200]} of 400 records are read and changed, ${damage.reads[500]} are not; /health is ${damage.health}`,
  damage.health === "degraded" && damage.changes[200] === damage.reads[200],
);

const bytes = await lostBytesDrill();
row(
  "the bytes of a file are gone, and are uploaded again",
  `${bytes.acknowledged} acknowledged writes, ${bytes.lost.length} lost; the file gets ${bytes.gone}, then ${bytes.back.join(" and ")}`,
  bytes.lost.length === 0 && bytes.isLogged && Bun.deepEquals(bytes.back, [200, 200]),
);

const clock = await clockDrill();
row(
  "the clock is set an hour ahead, and a day back",
  `${clock.acknowledged} acknowledged writes, ${clock.lost.length} lost; ready ${clock.readyThroughout ? "throughout" : "not always"}`,
  clock.lost.length === 0 && clock.readyThroughout,
);

const mail = await mailDrill();
row(
  "the mail server is away, and comes back",
  `${mail.waited} mails waited, ${mail.delivered} came by themselves after ${mail.seconds.toFixed(0)} s`,
  mail.waited > 0 && mail.delivered === mail.waited,
);

const arm64 = await arm64Drill();
row(
  "the executable for arm64, run by qemu: version, first admin, a client, a list, the end",
  `ready ${arm64.ready}, lists ${arm64.clients.join()}, exit code ${arm64.exitCode}`,
  Bun.deepEquals(arm64, { version: true, ready: true, clients: ["Bjørn Hansen"], exitCode: 0 }),
);

const release = join(mkdtempSync(join(tmpdir(), "neocrm-drills-")), "release");
await makeRelease(release, [process.arch as Architecture], 1);
for (const { page, ran, leftOut, faults, seconds } of await newcomerDrill(release)) {
  for (const fault of faults) console.error(fault);
  const others = Object.entries(leftOut).map(([kind, count]) => `${count} for ${kind}`);
  row(
    `the commands of ${page} on a bare Debian 12, word for word`,
    `${ran} blocks ran in ${seconds.toFixed(0)} s, ${others.join(" and ")} left out, ${faults.length} not as the page says`,
    faults.length === 0 && ran > 0,
  );
}
rmSync(dirname(release), { recursive: true });

process.exit(allPassed ? 0 : 1);
