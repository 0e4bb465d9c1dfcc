/** For any records: what an export says, an import reads; what an import does, its undo takes back; and a trial counts as it does. */
import { expect, test } from "bun:test";
import { imported, recordsOf } from "../support/imports";
import { undone } from "../support/jobs";
import { inWorld, type World } from "../support/scenario";
import { Picker } from "../unit/list/random";

const seed = Number(process.env["SEED"] ?? 20260707);
const rounds = Number(process.env["ROUNDS"] ?? 2);

/** A text of up to so many pieces. */
const textOf = (pick: Picker, most: number): string =>
  Array.from({ length: pick.number(1, most) }, () => pick.of(pieces)).join("");

/** A text with something in it, or nothing. */
const maybe = (pick: Picker, most: number): string | null =>
  pick.number(0, 2) === 0 ? null : `${pick.of(pieces)}x${textOf(pick, most)}`;

const pieces = [
  ..."abcXYZ 019,;|\t\"'=+-@\\/\n".split(""),
  ...["\r\n", "''", "é", "é", "Đặng", "日本", "😀", "\ufffd", "＝", "'=", "\u00a0", "​", "NULL", "true"],
];

const clientOf = (pick: Picker, i: number) => ({
  external_id: pick.number(0, 1) === 0 ? `x-${i}` : null,
  name: `${i} ${textOf(pick, 8)}`,
  email: pick.number(0, 1) === 0 ? `Person.${i}@Example.com` : null,
  phone: pick.of([null, "+47 22 44 22 22", "(024) 3825-3456", "=1", "none yet"]),
  ...{ company: maybe(pick, 10), position: maybe(pick, 5), industry: maybe(pick, 3) },
  ...{ address: maybe(pick, 12), status: pick.of(["prospect", "active", "inactive", "customer"]) },
  tags: [...new Set(Array.from({ length: pick.number(0, 3) }, () => (maybe(pick, 3) ?? "x").trim()))],
  notes: pick.of([null, "", " ", textOf(pick, 30)]),
  avatar_url: pick.of([null, "https://example.com/a.png?x=1,2"]),
});

const taskOf = (pick: Picker, i: number) => ({
  external_id: pick.number(0, 1) === 0 ? `t-${i}` : null,
  title: `${i} ${textOf(pick, 8)}`,
  description: pick.of([null, "", "\n", textOf(pick, 30)]),
  status: pick.of(["todo", "in_progress", "done", "cancelled"]),
  priority: pick.of(["low", "medium", "high", "urgent"]),
  due_date: pick.of([null, "2031-02-03T04:05:06.789Z", "1999-12-31T23:59:59.000Z"]),
  remind_at: pick.of([null, "2031-02-03T04:05:06.789Z"]),
});

/** What an import cannot say of a record. */
const own = ["id", "created_by", "created_at", "updated_at", "deleted_at", "version", "completed_at"];
const without = (record: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(record).filter(([field]) => !own.includes(field)));

/** Records as they are, in an order that does not depend on when they were made. */
async function plainRecords(world: World, resource: "clients" | "tasks") {
  const key = resource === "clients" ? "name" : "title";
  const records = (await recordsOf(world, "admin", resource)).map(without);
  return records.toSorted((a: Record<string, string>, b: Record<string, string>) =>
    a[key]! < b[key]! ? -1 : 1,
  );
}

async function removeAll(world: World, resource: "clients" | "tasks"): Promise<void> {
  for (const { id } of await recordsOf(world, "admin", resource))
    await world.send("admin", "DELETE", `/api/${resource}/${id}`, { headers: { "if-match": "*" } });
}

const exported = async (world: World, resource: string, bom: boolean) =>
  (await world.send("admin", "GET", `/api/export/${resource}?format=csv&bom=${bom}&sort=created_at`)).text;

inWorld("an export that is imported", {}, (world) => {
  for (const [resource, make] of [
    ["clients", clientOf],
    ["tasks", taskOf],
  ] as const) {
    test(`gives the same ${resource}, and once more changes nothing`, async () => {
      for (let round = 0; round < rounds; round++) {
        const pick = new Picker(seed + round);
        const assigned = [null, world().people.lan.id, world().people.minh.id];
        for (let i = 0; i < 25; i++) {
          const body = { ...make(pick, i), assigned_to: pick.of(assigned) };
          const { status, text } = await world().send("admin", "POST", `/api/${resource}`, { body });
          if (status !== 201) throw new Error(`seed ${seed + round}: ${text}`);
        }
        const wanted = await plainRecords(world(), resource);
        const csv = await exported(world(), resource, round % 2 === 0);
        await removeAll(world(), resource);
        const job = await imported(world(), "admin", resource, csv);
        expect([seed + round, job.created, job.failed]).toEqual([seed + round, 25, 0]);
        expect([seed + round, await plainRecords(world(), resource)]).toEqual([seed + round, wanted]);
        const keyed = csv.split("\r\n")[0]!.includes("external_id");
        expect(keyed).toBe(true);
        const again = await imported(world(), "admin", resource, await exported(world(), resource, false), {
          ...{ mode: "upsert", match: "external_id" },
        });
        const unkeyed = wanted.filter(({ external_id }: Record<string, unknown>) => external_id === null);
        expect([seed + round, again.updated, again.created + again.failed]).toEqual([
          ...[seed + round, 0, unkeyed.length],
        ]);
        await removeAll(world(), resource);
      }
    });
  }
});

/** A file whose rows have to do with each other, and with what is there. */
function tangled(pick: Picker): string {
  const rows = Array.from({ length: 250 }, (_, i) => [
    pick.of(["", `N${i}`, `N${pick.number(0, 9)}`]),
    pick.of(["", `m${pick.number(0, 49)}@example.com`, `m${pick.number(0, 49)}@example.com`, "no mail"]),
    pick.of(["", `k${pick.number(0, 49)}`]),
    pick.of(["", "+47 22 44 22 22", "+4722442222", `+4720000${100 + pick.number(0, 4)}`]),
    pick.of(["", "active", "Customer", "red"]),
    pick.of(["", "C", "D"]),
  ]);
  return `name,email,external_id,phone,status,company\n${rows.map((row) => row.join()).join("\n")}\n`;
}

inWorld("an import", {}, (world) => {
  const options = [
    ...[{ mode: "insert" }, { mode: "skip", match: "email" }, { mode: "skip", match: "external_id,phone" }],
    ...[
      { mode: "upsert", match: "email" },
      { mode: "upsert", match: "external_id,email,phone" },
    ],
  ];
  for (const option of options) {
    test(`with ${JSON.stringify(option)} comes to what its trial says, and is taken back`, async () => {
      for (let round = 0; round < rounds; round++) {
        const pick = new Picker(seed + 100 * round);
        for (const i of [1, 2, 3])
          await world().send("lan", "POST", "/api/clients", {
            body: { name: `There ${i}`, email: `m${i}@example.com`, external_id: `k${i + 1}`, company: "C" },
          });
        await world().send("minh", "POST", "/api/clients", {
          body: { name: "Minh's", email: "m9@example.com", external_id: "k9" },
        });
        const before = await recordsOf(world(), "admin", "clients");
        const csv = tangled(pick);
        const trial = await imported(world(), "lan", "clients", csv, { ...option, dry_run: "true" });
        expect(await recordsOf(world(), "admin", "clients")).toEqual(before);
        const job = await imported(world(), "lan", "clients", csv, option);
        const counts = ({ done, total, created, updated, skipped, failed }: typeof job) => ({
          ...{ done, total, created, updated, skipped, failed },
        });
        const what = `seed ${seed + 100 * round}`;
        expect([what, counts(trial)]).toEqual([what, counts(job)]);
        const [tried, did] = await Promise.all(
          [trial.id, job.id].map(async (id) => {
            const { text } = await world().send("lan", "GET", `/api/jobs/${id}/errors.csv`);
            return text.replaceAll(/^(\d+),[0-9a-f-]{36},/gm, "$1,,");
          }),
        );
        expect([what, tried]).toEqual([what, did]);
        const taken = await undone(world(), "lan", job.id);
        expect([what, taken.skipped]).toEqual([what, 0]);
        const bare = (records: Record<string, unknown>[]) =>
          records.map(({ version: _, updated_at: __, ...rest }) => rest);
        expect([what, bare(await recordsOf(world(), "admin", "clients"))]).toEqual([what, bare(before)]);
        await removeAll(world(), "clients");
      }
    });
  }
});
