/** Files: they come in, are found, changed, deleted and brought back. */
import { Glob } from "bun";
import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { DbError } from "../../src/db/errors";
import { form, oneFile, sha256, upload } from "../support/files";
import { account, actorOf } from "../../src/features/users/accounts";
import { inWorld, scenarios, type World } from "../support/scenario";

const hello = "Hello, world";
const missing = "01890a5d-ac96-774b-bcce-b302099a8057";

/** Everything that is kept on disk, broken-off uploads included. */
const kept = ({ server }: World): string[] => [...new Glob("blobs/*/*").scanSync(server.dataDir)].toSorted();

const clients = {
  acme: { assigned_to: "$minh" },
  buried: { assigned_to: "$minh", deleted: true },
};
const tasks = { call: { assigned_to: "$minh" }, theirs: { by: "manager" as const } };

scenarios("uploading a file", { clients, tasks }, [
  {
    by: "lan",
    post: "/api/files/upload",
    ...oneFile("offer.txt", hello),
    status: 201,
    has: {
      ...{ name: "offer.txt", original_name: "offer.txt", file_type: "text/plain", file_size: 12 },
      ...{ checksum: sha256(hello), folder_id: null, client_id: null, task_id: null, description: null },
      ...{ uploaded_by: "$lan", metadata: {}, deleted_at: null, version: 1 },
    },
    hasHeaders: { etag: '"v1"', location: /^\/api\/files\/[0-9a-f-]{36}$/ },
    events: ["file.created"],
    then: async (world, { json }) => {
      const { id, ...file } = json;
      const again = await world.send("lan", "GET", `/api/files/${id}`);
      expect(again.json).toEqual({ id, ...file });
      const bytes = await world.send("lan", "GET", `/api/files/${id}/download`);
      expect(bytes.text).toBe(hello);
      expect((await world.events()).at(-1)!.changes).toMatchObject({ checksum: [null, sha256(hello)] });
    },
  },
  {
    by: "lan",
    name: "with what it belongs to, before it and after it",
    post: "/api/files/upload",
    after: async (world) => {
      const { raw, headers } = form(
        { field: "client_id", value: world.ids["acme"]!.toUpperCase() },
        { field: "file", name: "a.txt", bytes: "x" },
        { field: "task_id", value: world.ids["call"]! },
        { field: "folder_id", value: "" },
        { field: "description", value: "What we said" },
      );
      const { json, status } = await world.send("lan", "POST", "/api/files/upload", { raw, headers });
      expect([status, json.client_id, json.task_id, json.folder_id, json.description]).toEqual([
        ...[201, world.ids["acme"], world.ids["call"], null, "What we said"],
      ]);
    },
    ...oneFile("empty.bin", ""),
    status: 201,
    has: { file_size: 0, file_type: "application/octet-stream", checksum: sha256("") },
  },
  ...(
    [
      ["client_id", missing, "unknown_client"],
      ["client_id", "x", "invalid_format"],
      ["task_id", missing, "unknown_task"],
      ["folder_id", missing, "unknown_folder"],
      ["name", "x.txt", "unknown_field"],
      ["uploaded_by", missing, "unknown_field"],
      ["__proto__", "x", "unknown_field"],
      ["description", "x".repeat(20_001), "too_long"],
      ["description", "x".repeat(200_000), "too_long"],
      ["description", "a\0b", "invalid_characters"],
    ] as const
  ).map(([field, value, fieldCode]) => ({
    by: "lan" as const,
    name: `${field} ${value.slice(0, 8)}`,
    post: "/api/files/upload",
    ...oneFile("a.txt", "x", { [field]: value }),
    status: 422,
    problem: { code: "validation_failed", field, fieldCode },
    events: [],
  })),
  {
    by: "lan",
    name: "a name with quotes, as browsers send it",
    post: "/api/files/upload",
    ...oneFile("Pipe 12%22.txt", "x"),
    status: 201,
    has: { name: 'Pipe 12".txt' },
  },
  {
    by: "lan",
    name: "no file",
    post: "/api/files/upload",
    ...form({ field: "description", value: "x" }),
    status: 422,
    problem: { field: "file", fieldCode: "required" },
  },
  {
    by: "lan",
    name: "two files",
    post: "/api/files/upload",
    ...form({ field: "file", name: "a.txt", bytes: "a" }, { field: "file", name: "b.txt", bytes: "b" }),
    status: 422,
    problem: { field: "file", fieldCode: "too_many" },
    events: [],
  },
  {
    by: "lan",
    name: "a field twice",
    post: "/api/files/upload",
    ...form(
      { field: "description", value: "a" },
      { field: "description", value: "b" },
      { field: "file", name: "b.txt", bytes: "b" },
    ),
    status: 422,
    problem: { field: "description", fieldCode: "repeated" },
    events: [],
  },
  {
    by: "lan",
    post: "/api/files/upload",
    body: {},
    status: 415,
    problem: { code: "unsupported_media_type" },
  },
  { by: "lan", name: "nothing", post: "/api/files/upload", status: 415 },
  {
    by: "lan",
    name: "compressed",
    post: "/api/files/upload",
    raw: "x",
    headers: { ...form().headers, "content-encoding": "gzip" },
    status: 415,
    problem: { code: "unsupported_encoding" },
  },
  {
    by: "lan",
    name: "without a boundary",
    post: "/api/files/upload",
    raw: "x",
    headers: { "content-type": "multipart/form-data" },
    status: 400,
    problem: { code: "malformed_form" },
  },
  {
    by: "lan",
    name: "cut off",
    post: "/api/files/upload",
    raw: oneFile("a.txt", "x".repeat(100_000)).raw.slice(0, 90_000),
    headers: form().headers,
    status: 400,
    problem: { code: "malformed_form" },
    events: [],
  },
  {
    by: "lan",
    post: "/api/files/upload",
    ...oneFile("a.txt", "x"),
    headers: { ...form().headers, "idempotency-key": "k" },
    status: 422,
    problem: { code: "idempotency_unsupported" },
  },
  { by: "lan", post: "/api/files/upload?x=1", ...oneFile("a.txt", "x"), status: 400, events: [] },
  { by: "nobody", post: "/api/files/upload", ...oneFile("a.txt", "x"), status: 401 },
]);

inWorld("what uploads leave behind", { clients }, (world) => {
  test("the same bytes are kept once, refused ones not at all", async () => {
    await upload(world(), "lan", "first.txt", "the same");
    const before = kept(world());
    await upload(world(), "minh", "second.txt", "the same");
    expect(kept(world())).toEqual(before);
    const refused = oneFile("a.txt", "other bytes", { client_id: missing });
    expect((await world().send("lan", "POST", "/api/files/upload", refused)).status).toBe(422);
    const cut = { ...refused, raw: refused.raw.slice(0, -20) };
    expect((await world().send("lan", "POST", "/api/files/upload", cut)).status).toBe(400);
    expect(kept(world())).toEqual(before);
  });

  test("bytes that were lost are back, for every file that has them, when somebody uploads them again", async () => {
    const { send, server } = world();
    const [{ id }, before] = [await upload(world(), "lan", "lost.txt", "lost"), kept(world())];
    const lost = before.find((name) => name.includes(sha256("lost")))!;
    rmSync(join(server.dataDir, lost));
    expect((await send("lan", "GET", `/api/files/${id}/download`)).status).toBe(500);
    const again = await Promise.all([1, 2, 3].map((i) => upload(world(), "minh", `${i}.txt`, "lost")));
    for (const [by, file] of [["lan", id], ...again.map((each) => ["minh", each.id])] as ["lan", string][]) {
      expect((await send(by, "GET", `/api/files/${file}/download`)).text).toBe("lost");
    }
    expect(kept(world())).toHaveLength(before.length);
    expect(kept(world())).not.toContain(lost);
    expect((await server.parts.keeper.verify()).missing).toEqual([]);
  });

  test("a commit of which nobody knows whether it was keeps its bytes", async () => {
    const { send, server } = world();
    const { store } = server.parts;
    const { tx } = store;
    for (const [path, field] of [
      ["upload", "file"],
      ["batch-upload", "files"],
    ] as const) {
      store.tx = async (...given) => {
        await tx.apply(store, given as never);
        throw new DbError("unavailable");
      };
      const sent = form({ field, name: `${path}.txt`, bytes: `in doubt ${path}` });
      const answer = await send("lan", "POST", `/api/files/${path}`, sent).finally(() => (store.tx = tx));
      expect(path === "upload" ? answer.status : answer.json.data[0].problem.status).toBe(503);
      const { json } = await send("lan", "GET", `/api/files?filter[name]=${path}.txt`);
      expect((await send("lan", "GET", `/api/files/${json.data[0].id}/download`)).text).toBe(
        `in doubt ${path}`,
      );
    }
  });

  test("ten at once with the same bytes are ten files with one copy", async () => {
    const before = kept(world()).length;
    const files = await Promise.all(
      Array.from({ length: 10 }, (_, i) => upload(world(), "lan", `twin${i}.txt`, "twins")),
    );
    expect(new Set(files.map(({ id }) => id)).size).toBe(10);
    expect(kept(world()).length).toBe(before + 1);
  });
});

inWorld(
  "the limits of uploads",
  { env: { MAX_FILE_SIZE: "100KiB", NEOCRM_FILES_MAX_COUNT: "3" } },
  (world) => {
    const send = (name: string, bytes: string | Uint8Array) =>
      world().send("lan", "POST", "/api/files/upload", oneFile(name, bytes));

    test("a file of just the size is taken, one with a byte more is not", async () => {
      const before = kept(world()).length;
      expect((await send("fits.txt", "x".repeat(102_400))).status).toBe(201);
      const { status, json } = await send("larger.txt", "x".repeat(102_401));
      expect([status, json.code, json.most]).toEqual([413, "file_too_large", 102_400]);
      expect(kept(world()).length).toBe(before + 1);
    });

    test("programs are refused, whatever they are called", async () => {
      const elf = new Uint8Array(200);
      elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
      const { status, json } = await send("holiday.jpg", elf);
      expect([status, json.code, json.file_type]).toEqual([415, "file_type_refused", "application/x-elf"]);
    });

    test("what somebody uploads is limited, deleted files included, and what all do", async () => {
      const set = (key: string, value: unknown) =>
        world().send("admin", "PATCH", `/api/admin/settings/${key}`, { body: { value } });
      await set("files.user_quota", 1_000);
      const { id } = await upload(world(), "lan", "most.txt", "a".repeat(800));
      expect((await send("more.txt", "b".repeat(201))).json).toMatchObject({
        ...{ status: 507, code: "quota_exceeded", most: 1_000 },
      });
      await world().send("lan", "DELETE", `/api/files/${id}`);
      expect((await send("more.txt", "b".repeat(201))).status).toBe(507);
      expect((await send("rest.txt", "b".repeat(200))).status).toBe(201);
      expect((await world().send("lan", "GET", "/api/analytics/storage-usage")).json.yours).toEqual({
        ...{ bytes: 1_000, quota: 1_000 },
      });
      await set("files.user_quota", null);
      await set("files.quota", 1_100);
      expect((await send("more.txt", "c".repeat(101))).json.code).toBe("quota_exceeded");
      await set("files.quota", null);
    });

    test("what comes in at the same time is limited together, before any of it is counted", async () => {
      const set = (value: unknown) =>
        world().send("admin", "PATCH", "/api/admin/settings/files.user_quota", { body: { value } });
      await set(1_000);
      const { parts } = world().server;
      const { read } = parts.store;
      const lan = await actorOf(read, (await account(read, world().people.lan.id))!, "a-slow-upload");
      const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      async function* slowly() {
        yield Buffer.alloc(700, "s");
        begun.resolve();
        await gate.promise;
        yield Buffer.alloc(100, "s");
      }
      const slow = parts.uploads.one(lan, async (take) => {
        await take({ name: "slow.txt", bytes: slowly() });
        return {};
      });
      await begun.promise;
      expect((await send("second.txt", "b".repeat(301))).json.code).toBe("quota_exceeded");
      await upload(world(), "minh", "another.txt", "c".repeat(301));
      gate.resolve();
      expect((await slow).file_size).toBe(800);
      // What is counted now is not counted twice, nor what was refused.
      await upload(world(), "lan", "rest.txt", "d".repeat(200));
      expect((await send("more.txt", "e")).json.code).toBe("quota_exceeded");
      await set(null);
    });

    test("many at once are taken one by one", async () => {
      const parts = ["a", "b".repeat(200_000), "c"].map((bytes, i) => ({
        ...{ field: "files", name: `${i}.txt`, bytes },
      }));
      const { status, json } = await world().send("lan", "POST", "/api/files/batch-upload", form(...parts));
      expect(status).toBe(200);
      expect(json).toMatchObject({
        ...{ uploaded: 2, failed: 1 },
        data: [
          { name: "0.txt", file: { file_size: 1 }, problem: null },
          { name: "1.txt", file: null, problem: { code: "file_too_large", status: 413 } },
          { name: "2.txt", file: { file_size: 1, checksum: sha256("c") }, problem: null },
        ],
      });
      const four = await world().send("lan", "POST", "/api/files/batch-upload", form(...parts, parts[0]!));
      expect(four.json).toMatchObject({ status: 422, errors: [{ field: "file", code: "too_many" }] });
      const none = await world().send("lan", "POST", "/api/files/batch-upload", form());
      expect(none.status).toBe(422);
    });
  },
);
