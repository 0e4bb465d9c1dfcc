/** `neocrm export --all`: everything that people put in is there, in formats that others read, and nothing that lets somebody in. */
import { beforeAll, describe, expect, test } from "bun:test";
import { Glob } from "bun";
import { parse } from "csv-parse/sync";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { exported, notExported } from "../../src/backup/exported-tables";
import { FilePlaces } from "../../src/backup/file-places";
import * as tables from "../../src/db/tables.postgres";
import { sha256, upload } from "../support/files";
import { bringPeople, password } from "../support/people";
import { postgres } from "../support/postgres";
import { newInstallation } from "../support/restart";
import { newWorld } from "../support/scenario";
import { engines } from "../support/servers";
import { neocrm } from "../support/terminal";

beforeAll(async () => void (await postgres()), 30_000);

describe.each(engines)("neocrm export --all [%s]", (engine) => {
  test("writes every record as NDJSON and CSV, and files under their names", async () => {
    const place = await newInstallation(engine);
    const to = join(place.dataDir, "../export");
    try {
      const server = await place.start();
      const world = newWorld(server, await bringPeople(server));
      const post = async (path: string, body: object) =>
        (await world.send("lan", "POST", path, { body })).json;
      const acme = await post("/api/clients", { name: "=Acme", tags: ["big, loud", "vip"], notes: "a\nb" });
      const gone = await post("/api/clients", { name: "Gone" });
      await world.send("lan", "DELETE", `/api/clients/${gone.id}`);
      const task = await post("/api/tasks", {
        title: "Call",
        client_id: acme.id,
        due_date: "2026-05-04T09:00:00.000Z",
      });
      const outer = await post("/api/folders", { name: "Offers" });
      const inner = await post("/api/folders", { name: "2026", parent_id: outer.id });
      await upload(world, "lan", "offer.txt", "one", { folder_id: inner.id });
      await upload(world, "minh", "OFFER.txt", "two", { folder_id: inner.id });
      const deleted = await upload(world, "lan", "old.txt", "old");
      await world.send("lan", "DELETE", `/api/files/${deleted.id}`);
      await upload(world, "lan", "lost.txt", "lost");
      for (const name of new Glob(`*/${sha256("lost")}-*`).scanSync(join(place.dataDir, "blobs")))
        rmSync(join(place.dataDir, "blobs", name));

      const ran = await neocrm(["export", "--all", to], { env: place.env });
      expect(ran.err).toBe("");
      expect(ran.out).toMatch(
        /: 7 users, 3 roles, \d+ grants, 2 clients, 1 tasks, 2 folders, 4 files, .*; the bytes of 3\.$/,
      );
      expect(ran.out).toContain(`missing: ${sha256("lost")}`);
      expect(ran.code).toBe(1);

      const lines = (name: string) =>
        readFileSync(join(to, `${name}.ndjson`), "utf8")
          .split("\n")
          .filter((line) => line !== "")
          .map((line) => JSON.parse(line) as Record<string, unknown>);
      const cells = (name: string) =>
        parse(readFileSync(join(to, `${name}.csv`), "utf8"), { columns: true }) as Record<string, string>[];
      for (const name of Object.keys(exported))
        expect([name, cells(name).length]).toEqual([name, lines(name).length]);
      const client = (await world.send("lan", "GET", `/api/clients/${acme.id}`)).json;
      const written = lines("clients").find(({ id }) => id === acme.id)!;
      for (const name of ["name", "tags", "notes", "status", "created_at", "version"])
        expect([name, written[name]]).toEqual([name, client[name]]);
      expect(lines("clients").find(({ id }) => id === gone.id)!["deleted_at"]).toMatch(/Z$/);
      expect(cells("clients").find(({ id }) => id === acme.id)).toMatchObject({
        name: "'=Acme",
        tags: "big\\, loud, vip",
        notes: "a\nb",
        deleted_at: "",
      });
      expect(lines("tasks")).toMatchObject([
        { id: task.id, due_date: "2026-05-04T09:00:00.000Z", client_id: acme.id },
      ]);
      expect(lines("events").length).toBeGreaterThan(8);

      const text = (path: string) => readFileSync(join(to, path), "utf8");
      expect(text("files/Offers/2026/offer.txt")).toBe("one");
      expect(text("files/Offers/2026/OFFER (2).txt")).toBe("two");
      expect(text("deleted files/old.txt")).toBe("old");
      expect(
        lines("files")
          .map(({ path }) => String(path))
          .toSorted(),
      ).toEqual(
        [
          "files/Offers/2026/offer.txt",
          "files/Offers/2026/OFFER (2).txt",
          "deleted files/old.txt",
          "files/lost.txt",
        ].toSorted(),
      );

      const all = readdirSync(to, { withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ name }) => text(name))
        .join("\n");
      const secret = readFileSync(join(place.dataDir, "secrets/jwt_secret"), "utf8").trim();
      for (const never of ["argon2", "password_hash", password, secret, world.people.lan.refreshToken])
        expect(all).not.toContain(never);

      const again = await neocrm(["export", "--all", to], { env: place.env });
      expect(again).toMatchObject({
        code: 1,
        err: `${to} is not empty. Name a folder that is, or that is not there yet.`,
      });
      await server.stop();
      rmSync(to, { recursive: true });
      expect((await neocrm(["export", "--all", to], { env: place.env })).out).toContain("the bytes of 3.");
    } finally {
      place.remove();
    }
  }, 60_000);
});

test("every table is exported, or is not for a reason", () => {
  expect([...Object.keys(exported), ...notExported].toSorted()).toEqual(Object.keys(tables).toSorted());
});

test("no two files are in one place, and every file system takes their names", () => {
  const places = new FilePlaces();
  places.know([
    { id: "a", name: "CON/..", parent_id: null },
    { id: "b", name: "x".repeat(300), parent_id: "a" },
    { id: "c", name: "x".repeat(300), parent_id: "a" },
  ]);
  const placeOf = (id: string, name: string, folder_id: string | null, deleted_at: number | null = null) =>
    places.placeOf({ id, name, folder_id, deleted_at });
  expect(placeOf("1", "a:b.txt", null)).toBe("files/a_b.txt");
  expect(placeOf("2", "A_B.txt", null)).toBe("files/A_B (2).txt");
  expect(placeOf("1", "a:b.txt", null)).toBe("files/a_b.txt");
  expect(placeOf("3", "...", null)).toBe("files/_");
  expect(placeOf("4", "a:b.txt", null, 1)).toBe("deleted files/a_b.txt");
  expect(placeOf("5", "in.txt", "b")).toBe(`files/CON_/${"x".repeat(240)}/in.txt`);
  expect(placeOf("6", "in.txt", "c")).toBe(`files/CON_/${"x".repeat(240)} (2)/in.txt`);
  expect(
    Buffer.byteLength(placeOf("7", `${"é".repeat(200)}.txt`, null).slice("files/".length)),
  ).toBeLessThanOrEqual(240);
});

test("neocrm export says what it wants", async () => {
  expect(await neocrm(["export"])).toMatchObject({ code: 2, err: "Say where to: neocrm export --all DIR." });
});
