/** `neocrm import` does what the API does, with a server and without. */
import { beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { progressOf } from "../../src/cli/import";
import type { JobView } from "../../src/features/jobs/schema";
import { recordsOf } from "../support/imports";
import { bringPeople } from "../support/people";
import { postgres } from "../support/postgres";
import { newInstallation } from "../support/restart";
import { newWorld } from "../support/scenario";
import { engines } from "../support/servers";
import { neocrm } from "../support/terminal";

const customers = resolve(import.meta.dir, "../fixtures/chinook-customers.csv");

beforeAll(async () => void (await postgres()), 30_000);

describe.each(engines)("neocrm import [%s]", (engine) => {
  test("adds what a file has while the server runs, and while it does not", async () => {
    const place = await newInstallation(engine);
    const run = (...args: string[]) => neocrm(["import", ...args], { env: place.env, cwd: place.dataDir });
    try {
      let server = await place.start();
      let world = newWorld(server, await bringPeople(server));
      const { manager, minh } = world.people;
      expect(await run("clients", customers, "--dry-run", "--as", manager.email)).toMatchObject({
        code: 0,
        out: "It would be 59 added, 0 changed, 0 left as they are, 0 refused. Nothing was changed.",
      });
      expect(await recordsOf(world, "admin", "clients")).toEqual([]);
      const first = await run("clients", customers, "--as", manager.email);
      expect(first).toMatchObject({ code: 0, err: "" });
      expect(first.out).toMatch(
        /^59 added, 0 changed, 0 left as they are, 0 refused\.\nPOST \/api\/jobs\/\S+\/undo /,
      );
      const clients = await recordsOf(world, "admin", "clients");
      expect(clients).toHaveLength(59);
      expect(clients[0]).toMatchObject({
        ...{
          external_id: "1",
          name: "Luís Gonçalves",
          email: "luisg@embraer.com.br",
          created_by: manager.id,
        },
        address: "Av. Brigadeiro Faria Lima, 2170, São José dos Campos, SP, 12227-000, Brazil",
      });
      const again = await run("clients", customers, "--errors", "errors.csv");
      expect(again).toMatchObject({ code: 1, err: "What was refused stands in errors.csv." });
      expect(readFileSync(join(place.dataDir, "errors.csv"), "utf8").match(/email_taken/g)).toHaveLength(59);
      await server.stop();

      writeFileSync(join(place.dataDir, "tasks.csv"), "Title;Assignee\nCall;" + minh.email + "\n");
      expect(await run("tasks", "tasks.csv", "--as", minh.email)).toMatchObject({ code: 0, err: "" });
      const same = await run("clients", customers, "--mode", "skip", "--match", "email");
      expect(same).toMatchObject({ code: 0, out: "0 added, 0 changed, 59 left as they are, 0 refused." });
      server = await place.start();
      world = newWorld(server, world.people);
      expect(await recordsOf(world, "admin", "tasks")).toMatchObject([
        { title: "Call", assigned_to: minh.id, created_by: minh.id },
      ]);
      await server.stop();
    } finally {
      await place.remove();
    }
  }, 60_000);
});

test("says what is missing", async () => {
  expect(await neocrm(["import", "clients"])).toMatchObject({ code: 2 });
  expect(await neocrm(["import", "users", "x.csv"])).toMatchObject({ code: 2 });
  expect(await neocrm(["import", "clients", "none.csv"])).toMatchObject({
    ...{ code: 2, err: "There is no file none.csv." },
  });
});

test("shows how far it is", () => {
  const job = { done: 1_000, total: 4_000, rate: 2_000.4, eta_seconds: 2 } as JobView;
  expect(progressOf(job)).toBe("[######------------------]   25%  1,000 of 4,000  2,000/s  2 s left");
  expect(progressOf({ ...job, done: 0, rate: null })).toBe("waiting");
});
