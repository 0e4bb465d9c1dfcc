/** `neocrm backup` and `neocrm restore`: everything is there again, elsewhere, or nothing was changed. */
import { beforeAll, describe, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { Glob } from "bun";
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { makeBackup } from "../../src/backup/make";
import { backupsIn, readManifest } from "../../src/backup/manifest";
import { isElsewhere } from "../../src/backup/mounts";
import { postgresSource } from "../../src/backup/postgres";
import { sqliteSource } from "../../src/backup/sqlite";
import { previewSizes } from "../../src/contents/contents";
import { contentsOf } from "../../src/features/files/contents-store";
import { photo } from "../support/documents";
import { endless, pictured, sha256, upload } from "../support/files";
import { idle } from "../support/jobs";
import { bringPeople } from "../support/people";
import { postgres } from "../support/postgres";
import { newInstallation, type Installation } from "../support/restart";
import { startS3 } from "../support/s3";
import { newWorld, type World } from "../support/scenario";
import { engines, type TestServer } from "../support/servers";
import { until } from "../support/stores";
import { neocrm } from "../support/terminal";

beforeAll(async () => void (await postgres()), 30_000);

const blobFiles = (folder: string) => [...new Glob("??/*").scanSync(folder)].toSorted();
const to = (place: Installation) => join(place.dataDir, "../backups");
const backUp = (place: Installation, ...more: string[]) =>
  neocrm(["backup", "--to", to(place), ...more], { env: place.env });
const restore = (from: Installation, place: Installation, ...more: string[]) =>
  neocrm(["restore", "--from", to(from), ...more], { env: place.env });

async function filled(server: TestServer): Promise<World> {
  const world = newWorld(server, await bringPeople(server));
  for (const name of ["Acme", "Binh Minh"]) {
    const made = await world.send("lan", "POST", "/api/clients", { body: { name } });
    expect(made.status).toBe(201);
  }
  for (const text of ["one", "two", "three"]) await upload(world, "lan", `${text}.txt`, text);
  await upload(world, "minh", "again.txt", "one");
  return world;
}

const brokenOff = "The backup was broken off: nothing of it is left.";

/** What an admin sees of it over HTTP, files with their bytes. */
async function seen(world: World) {
  const list = async (path: string) => (await world.send("admin", "GET", path)).json.data;
  const files: { id: string; name: string }[] = await list("/api/files?sort=name&limit=100");
  const bytes = [];
  for (const { id, name } of files)
    bytes.push([name, (await world.send("admin", "GET", `/api/files/${id}/download`)).text]);
  return { clients: await list("/api/clients?sort=name&limit=100"), files, bytes };
}

/** The previews of an image, and when they were made. */
async function previewsOf({ server, people }: World, { id, checksum }: { id: string; checksum: string }) {
  const headers = { authorization: `Bearer ${people["lan"].token}` };
  const { store } = server.parts;
  const known = await contentsOf.first(store.read, { hash: checksum });
  return Promise.all(
    Object.keys(previewSizes).map(async (size) => {
      const answer = await fetch(`${server.url}/api/files/preview/${id}?size=${size}`, { headers });
      return { status: answer.status, bytes: sha256(await answer.bytes()), read_at: known?.read_at };
    }),
  );
}

describe.each(engines)("backup and restore [%s]", (engine) => {
  test("what a running server has is there again elsewhere, and nobody has to sign in again", async () => {
    const [place, other] = [await newInstallation(engine), await newInstallation(engine, { empty: true })];
    try {
      const server = await place.start();
      const world = await filled(server);
      const made = await backUp(place);
      expect(made).toMatchObject({ code: 0, err: "" });
      expect(made.out).toMatch(/: \d+ rows, 3 blobs \(3 new\), checked\.$/);
      const before = await seen(world);
      await server.stop();

      const restored = await restore(place, other);
      expect(restored).toMatchObject({ code: 0, err: "" });
      expect(restored.out).toMatch(/^Restored .* of 20\S+Z\.$/);
      const again = await other.start();
      try {
        expect(await seen(newWorld(again, world.people))).toEqual(before);
        expect((await neocrm(["blobs", "verify"], { env: other.env })).code).toBe(0);
      } finally {
        await again.stop();
      }
    } finally {
      place.remove();
      other.remove();
    }
  }, 60_000);

  test("shows how far it is, and Ctrl-C breaks it off without a trace, with a server and without", async () => {
    const place = await newInstallation(engine);
    try {
      const server = await place.start();
      const world = await filled(server);
      const whole = await backUp(place);
      expect(whole.shown.length).toBeGreaterThan(1);
      for (const text of whole.shown.slice(0, -1))
        expect(text).toMatch(/^\[[#-]{24}\]  [ \d]{3}%  [\d.]+ of [\d.]+ MB/);
      expect(whole.shown.at(-1)).toBe("");
      const before = readdirSync(to(place)).toSorted();
      expect(before.some((name) => name.endsWith(".partial"))).toBe(false);

      const asked = Promise.withResolvers<void>();
      const { keeper } = server.parts;
      keeper.bytesOf = async () => {
        asked.resolve();
        return endless();
      };
      await upload(world, "lan", "four.txt", "four");
      const made = backUp(place);
      await asked.promise;
      process.emit("SIGINT");
      expect(await made).toMatchObject({ code: 130, err: brokenOff, out: "" });
      await until(() => !readdirSync(to(place)).some((name) => name.endsWith(".partial")));
      expect((await fetch(`${server.url}/health`)).status).toBe(200);
      await server.stop();

      const alone = backUp(place);
      await until(() => process.listenerCount("SIGINT") > 0);
      process.emit("SIGINT");
      expect(await alone).toMatchObject({ code: 130, err: brokenOff, out: "" });
      expect(readdirSync(to(place)).toSorted()).toEqual(before);
    } finally {
      place.remove();
    }
  }, 60_000);

  test.each([1, 2, 3])("broken off when it said the %d. time how far it is, nothing is left", async (nth) => {
    const place = await newInstallation(engine);
    try {
      const server = await place.start();
      await filled(server);
      await server.stop();
      const url = place.env.DATABASE_URL;
      const database =
        url === undefined ? sqliteSource(join(place.dataDir, "neocrm.db")) : postgresSource(url);
      const source = {
        ...{ database, dataDir: place.dataDir, readBlob: async () => new Blob(["one"]) },
        holdBlobs: <T>(work: () => Promise<T>) => work(),
      };
      const breaking = new AbortController();
      let told = 0;
      const onProgress = () => {
        if (++told === nth) breaking.abort(new Error("Enough."));
      };
      const making = makeBackup(
        source,
        to(place),
        { daily: 1, weekly: 0, monthly: 0 },
        { onProgress, signal: breaking.signal },
      );
      await expect(making).rejects.toThrow("Enough.");
      expect(await backupsIn(to(place))).toEqual([]);
      expect([...new Glob("**/*.{partial,draft}").scanSync({ cwd: to(place), onlyFiles: false })]).toEqual(
        [],
      );
    } finally {
      place.remove();
    }
  });

  test("previews are there again as they were, and are not made anew", async () => {
    const [place, other] = [await newInstallation(engine), await newInstallation(engine, { empty: true })];
    try {
      const server = await place.start();
      const world = newWorld(server, await bringPeople(server));
      const file = await upload(world, "lan", "photo.jpg", await photo(1_600, 800));
      await pictured(world, "lan", file.id);
      await idle(world);
      const before = await previewsOf(world, file);
      expect(before.map(({ status }) => status)).toEqual([200, 200, 200]);
      // The photograph and three previews.
      expect((await backUp(place)).out).toContain("4 blobs (4 new)");
      await server.stop();

      expect(await restore(place, other)).toMatchObject({ code: 0, err: "" });
      const again = await other.start();
      try {
        const there = newWorld(again, world.people);
        expect(await previewsOf(there, file)).toEqual(before);
        await idle(there);
        expect(await again.parts.keeper.sweep(-1)).toBe(0);
        expect(await previewsOf(there, file)).toEqual(before);
        expect((await neocrm(["blobs", "verify"], { env: other.env })).code).toBe(0);
      } finally {
        await again.stop();
      }
    } finally {
      place.remove();
      other.remove();
    }
  }, 60_000);

  test("only new bytes are copied, none are removed meanwhile, and what no backup has any more goes", async () => {
    const place = await newInstallation(engine);
    try {
      const server = await place.start();
      const world = await filled(server);
      expect((await backUp(place)).out).toContain("3 blobs (3 new)");
      await upload(world, "lan", "four.txt", "four");
      expect((await backUp(place)).out).toContain("4 blobs (1 new)");
      const { keeper } = server.parts;
      await keeper.put(new Blob(["of no file any more"]).stream());
      expect(await keeper.hold(() => keeper.sweep(-1000))).toBe(0);
      expect(await keeper.sweep(-1000)).toBe(1);
      expect(blobFiles(join(to(place), "blobs"))).toEqual(
        ["one", "two", "three", "four"]
          .map((text) => `${sha256(text).slice(0, 2)}/${sha256(text)}`)
          .toSorted(),
      );
      await server.stop();
      const none = ["--keep-daily", "0", "--keep-weekly", "0", "--keep-monthly", "0"];
      const [first] = await backupsIn(to(place));
      renameSync(first!.path, join(to(place), "20200101T020000000Z"));
      mkdirSync(join(to(place), "blobs/00"));
      writeFileSync(join(to(place), "blobs/00", sha256("old")), "old");
      expect((await backUp(place, ...none)).out).toContain("1 older backup removed.");
      expect(blobFiles(join(to(place), "blobs"))).toHaveLength(4);
      expect(await backupsIn(to(place))).toHaveLength(2);
      const listed = await neocrm(["backup", "list", "--to", to(place), "--json"]);
      expect(JSON.parse(listed.out)).toMatchObject([
        { format: 1, engine, blobs: { count: 4, missing: [] } },
        {},
      ]);
    } finally {
      place.remove();
    }
  }, 60_000);

  test("bytes that are missing or damaged are named, and nothing else is lost over them", async () => {
    const [place, other] = [await newInstallation(engine), await newInstallation(engine, { empty: true })];
    const damage = (text: string, damaged?: string) => {
      const folder = join(place.dataDir, "blobs");
      const path = join(
        folder,
        blobFiles(folder).find((name) => name.includes(sha256(text)))!,
      );
      if (damaged === undefined) rmSync(path);
      else writeFileSync(path, damaged);
    };
    try {
      const server = await place.start();
      const world = await filled(server);
      damage("two");
      damage("three", "THREE");
      const made = await backUp(place);
      expect(made.code).toBe(1);
      for (const text of ["two", "three"]) expect(made.out).toContain(`missing: ${sha256(text)}`);
      expect(made.out).toContain("1 blob (1 new)");
      await server.stop();

      const restored = await restore(place, other);
      expect(restored.code).toBe(1);
      expect(restored.out).toContain(`missing: ${sha256("two")}`);
      const again = await other.start();
      try {
        const { files, bytes } = await seen(newWorld(again, world.people));
        expect(files).toHaveLength(4);
        expect(bytes.filter(([, text]) => text === "one")).toHaveLength(2);
      } finally {
        await again.stop();
      }
    } finally {
      place.remove();
      other.remove();
    }
  }, 60_000);

  test("what there was is put aside, and only when that was asked for", async () => {
    const place = await newInstallation(engine);
    try {
      let server = await place.start();
      const world = await filled(server);
      await backUp(place);
      const before = await seen(world);
      await world.send("lan", "POST", "/api/clients", { body: { name: "Too late" } });

      const running = await restore(place, place, "--replace");
      expect(running.code).toBe(1);
      expect(running.err).toMatch(/is in use by another neocrm/);
      await server.stop();
      const refused = await restore(place, place);
      expect(refused.code).toBe(1);
      expect(refused.err).toContain("--replace");

      const restored = await restore(place, place, "--replace");
      expect(restored).toMatchObject({ code: 0, err: "" });
      const safety = /What was there before is in (.*)\.$/m.exec(restored.out)![1]!;
      expect(existsSync(safety)).toBe(true);
      server = await place.start();
      expect(await seen(newWorld(server, world.people))).toEqual(before);
      await server.stop();
    } finally {
      place.remove();
    }
  }, 60_000);

  test("a damaged backup is refused, and nothing was changed", async () => {
    const [place, other] = [await newInstallation(engine), await newInstallation(engine, { empty: true })];
    try {
      const server = await place.start();
      await filled(server);
      await backUp(place);
      await server.stop();
      const [{ path, manifest }] = (await backupsIn(to(place))) as [Awaited<ReturnType<typeof backupsIn>>[0]];
      const verify = () => neocrm(["backup", "verify", "--to", to(place)]);
      expect(await verify()).toMatchObject({
        code: 0,
        out: "1 backup and 3 blobs looked at: all as they should be.",
      });
      const file = join(path, manifest.database.file);
      const bytes = readFileSync(file);
      bytes.fill(0x55, bytes.length >> 1, (bytes.length >> 1) + 64);
      writeFileSync(file, bytes);
      expect((await verify()).out).toContain(`damaged: ${file}`);
      const refused = await restore(place, other);
      expect(refused.code).toBe(1);
      expect(refused.err).toBe(`${file} is damaged. Take another backup.`);
      expect(readdirSync(other.dataDir).filter((name) => !name.startsWith("neocrm."))).toEqual([]);

      writeFileSync(join(path, "backup.json"), JSON.stringify({ ...manifest, format: 2 }));
      expect((await restore(place, other)).err).toContain("newer neocrm");
      writeFileSync(
        join(path, "backup.json"),
        JSON.stringify({ ...manifest, migrations: [...manifest.migrations, "9999_future"] }),
      );
      expect((await restore(place, other)).err).toContain("it has 9999_future");
      rmSync(join(path, "backup.json"));
      expect((await restore(place, other)).err).toMatch(/^There is no backup in /);
    } finally {
      place.remove();
      other.remove();
    }
  }, 60_000);
});

test("a restore goes on where a crash broke it off", async () => {
  const place = await newInstallation("sqlite");
  try {
    const server = await place.start();
    const world = await filled(server);
    await backUp(place);
    const before = await seen(world);
    await world.send("lan", "POST", "/api/clients", { body: { name: "Too late" } });
    await server.stop();
    // As it is once it was decided, and half of it was renamed.
    const copy = join(place.dataDir, "../copy");
    cpSync(place.dataDir, copy, { recursive: true });
    expect((await neocrm(["restore", "--from", to(place), "--replace", "--data-dir", copy])).code).toBe(0);
    const staging = join(place.dataDir, "restoring");
    mkdirSync(staging);
    cpSync(join(copy, "neocrm.db"), join(staging, "neocrm.db"));
    cpSync(join(copy, "blobs"), join(staging, "blobs"), { recursive: true });
    rmSync(join(place.dataDir, "neocrm.db"));
    writeFileSync(join(place.dataDir, "restoring.json"), JSON.stringify({ safety: "replaced-x" }));

    const again = await place.start();
    expect(await seen(newWorld(again, world.people))).toEqual(before);
    expect(existsSync(join(place.dataDir, "restoring.json"))).toBe(false);
    expect(existsSync(staging)).toBe(false);
    expect(readdirSync(join(place.dataDir, "replaced-x"))).toContain("blobs");
    await again.stop();

    // Not decided: what was there stays.
    mkdirSync(staging);
    writeFileSync(join(staging, "neocrm.db"), "half");
    const third = await place.start();
    expect(await seen(newWorld(third, world.people))).toEqual(before);
    expect(existsSync(staging)).toBe(false);
    await third.stop();
  } finally {
    place.remove();
  }
}, 60_000);

test("what is a link or a mount stays where it is", async () => {
  const place = await newInstallation("sqlite");
  try {
    const server = await place.start();
    const world = await filled(server);
    await backUp(place);
    const before = await seen(world);
    await server.stop();
    const elsewhere = join(place.dataDir, "../disk");
    renameSync(join(place.dataDir, "blobs"), elsewhere);
    symlinkSync(elsewhere, join(place.dataDir, "blobs"));
    const restored = await neocrm(["restore", "--from", to(place), "--replace"], { env: place.env });
    expect(restored).toMatchObject({ code: 0, err: "" });
    expect(lstatSync(join(place.dataDir, "blobs")).isSymbolicLink()).toBe(true);
    expect(blobFiles(elsewhere)).toHaveLength(6);
    const again = await place.start();
    expect(await seen(newWorld(again, world.people))).toEqual(before);
    await again.stop();
    renameSync(join(place.dataDir, "neocrm.db"), join(elsewhere, "neocrm.db"));
    symlinkSync(join(elsewhere, "neocrm.db"), join(place.dataDir, "neocrm.db"));
    const refused = await neocrm(["restore", "--from", to(place), "--replace"], { env: place.env });
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/neocrm\.db is a mount or a link and cannot be put aside/);
    expect(isElsewhere("/", "proc")).toBe(true);
    expect(isElsewhere("/", "no such thing")).toBe(false);
  } finally {
    place.remove();
  }
}, 60_000);

test("no backup is made of a damaged database, and those that there are stay", async () => {
  const place = await newInstallation("sqlite");
  try {
    const server = await place.start();
    await filled(server);
    await backUp(place);
    await server.stop();
    const file = join(place.dataDir, "neocrm.db");
    const db = new Database(file);
    // The worker that reads aside may be on its way out.
    const isBusy = () => db.query<{ busy: number }, []>("PRAGMA wal_checkpoint(TRUNCATE)").get()!.busy > 0;
    while (isBusy()) await Bun.sleep(5);
    // The root of an index: reading records by their keys does not meet it.
    const { rootpage } = db
      .query<{ rootpage: number }, []>("SELECT rootpage FROM sqlite_schema WHERE name = 'clients_by_name'")
      .get()!;
    db.close();
    const bytes = readFileSync(file);
    bytes.fill(0x55, (rootpage - 1) * 4096, rootpage * 4096);
    writeFileSync(file, bytes);
    const before = readdirSync(to(place));
    const refused = await backUp(place);
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/damaged|malformed/);
    expect(readdirSync(to(place))).toEqual(before);
    expect((await neocrm(["restore", "--from", to(place), "--replace"], { env: place.env })).code).toBe(0);
    expect((await backUp(place)).code).toBe(0);
  } finally {
    place.remove();
  }
}, 60_000);

test.each(engines)(
  "bytes move between a bucket and a disk as the settings say [%s]",
  async (engine) => {
    const service = await startS3();
    const [place, other, third] = [
      await newInstallation(engine),
      await newInstallation(engine, { empty: true }),
      await newInstallation(engine, { empty: true }),
    ];
    try {
      const server = await place.start(service.env);
      const world = await filled(server);
      const made = await neocrm(["backup", "--to", to(place)], { env: { ...place.env, ...service.env } });
      expect(made.out).toContain("3 blobs (3 new)");
      const before = await seen(world);
      await server.stop();
      for (const [target, env] of [
        [other, {}],
        [third, service.env],
      ] as const) {
        const restored = await neocrm(["restore", "--from", to(place)], { env: { ...target.env, ...env } });
        expect(restored).toMatchObject({ code: 0, err: "" });
        const again = await target.start(env);
        expect(await seen(newWorld(again, world.people))).toEqual(before);
        await again.stop();
        expect(existsSync(join(target.dataDir, "blobs"))).toBe(target === other);
      }
    } finally {
      for (const each of [place, other, third]) each.remove();
      await service.stop();
    }
  },
  60_000,
);

test("nobody else reads a backup, and it can be checked without neocrm", async () => {
  const place = await newInstallation("sqlite");
  try {
    const server = await place.start();
    await filled(server);
    await backUp(place);
    await server.stop();
    const [{ path }] = (await backupsIn(to(place))) as [Awaited<ReturnType<typeof backupsIn>>[0]];
    for (const name of ["neocrm.db", "backup.json", "blobs.sha256", "secrets/jwt_secret"])
      expect([name, statSync(join(path, name)).mode & 0o077]).toEqual([name, 0]);
    expect(statSync(path).mode & 0o077).toBe(0);
    expect(Bun.spawnSync(["sha256sum", "--check", "--quiet", "blobs.sha256"], { cwd: path }).exitCode).toBe(
      0,
    );
    const manifest = await readManifest(path);
    expect(manifest.database.sha256).toBe(sha256(readFileSync(join(path, "neocrm.db"))));
  } finally {
    place.remove();
  }
});

test("neocrm backup and restore say what they want", async () => {
  const place = await newInstallation("sqlite");
  const env = place.env;
  expect(await neocrm(["backup"], { env })).toMatchObject({
    code: 2,
    err: "Say where: neocrm backup --to DIR, or set backup.dir.",
  });
  expect(await neocrm(["backup", "mend", "--to", "/x"], { env })).toMatchObject({ code: 2 });
  expect(await neocrm(["backup", "--to", "/x", "--keep-daily", "many"], { env })).toMatchObject({
    code: 2,
    err: "--keep-daily takes a whole number.",
  });
  expect(await neocrm(["restore"], { env })).toMatchObject({
    code: 2,
    err: "Say which backup: neocrm restore --from DIR.",
  });
  const nothing = join(place.dataDir, "../nothing");
  expect(await neocrm(["backup", "list", "--to", nothing], { env })).toMatchObject({
    code: 0,
    out: "There are no backups.",
  });
  expect(await neocrm(["backup", "verify", "--to", nothing], { env })).toMatchObject({
    code: 1,
    err: `There are no backups in ${nothing}.`,
  });
  mkdirSync(place.dataDir);
  const itself = await neocrm(["backup", "--to", place.dataDir], { env });
  expect(itself.err).toBe(`Backups need a folder of their own; ${place.dataDir} is where the data is.`);
  place.remove();
});
