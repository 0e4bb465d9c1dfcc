/** Files as records: listed, changed, deleted, restored, purged, as they were, and made anew from their events. */
import { Glob } from "bun";
import { expect, test } from "bun:test";
import { replay } from "../../src/events/replay";
import { upload } from "../support/files";
import { inWorld, scenarios, type Scenario, type World } from "../support/scenario";

const kept = ({ server }: World): number => [...new Glob("blobs/*/*").scanSync(server.dataDir)].length;

const given = {
  clients: { acme: { assigned_to: "$minh" }, bravo: { by: "manager" as const } },
  tasks: { call: { assigned_to: "$minh" } },
  once: async (world: World) => {
    await upload(world, "lan", "ábc.txt", "1");
    await upload(world, "lan", "offer.txt", "22", { client_id: "$acme" });
    await upload(world, "lan", "notes.txt", "333", { task_id: "$call" });
    await upload(world, "manager", "plan.txt", "4444");
    world.ids["abc"] = (await world.send("lan", "GET", "/api/files?filter[name]=abc.txt")).json.data[0].id;
  },
};

/** The list has these, in this order. */
const are =
  (...expected: string[]): Scenario["then"] =>
  (_, { json }) =>
    expect(json.data.map(({ name }: { name: string }) => name)).toEqual(expected);

scenarios("lists of files", given, [
  { by: "lan", get: "/api/files", status: 200, then: are("notes.txt", "offer.txt", "ábc.txt") },
  { by: "minh", get: "/api/files", status: 200, then: are("notes.txt", "offer.txt") },
  { by: "stranger", get: "/api/files", status: 200, then: are("offer.txt") },
  {
    by: "manager",
    get: "/api/files?sort=name",
    status: 200,
    then: are("ábc.txt", "notes.txt", "offer.txt", "plan.txt"),
  },
  { by: "admin", get: "/api/files?sort=-file_size&limit=2", status: 200, then: are("plan.txt", "notes.txt") },
  { by: "admin", get: "/api/files?client_id=$acme", status: 200, then: are("offer.txt") },
  { by: "admin", get: "/api/files?task_id=$call", status: 200, then: are("notes.txt") },
  { by: "admin", get: "/api/files?filter[uploaded_by]=$manager", status: 200, then: are("plan.txt") },
  {
    by: "admin",
    get: "/api/files?filter[file_size][gte]=3",
    status: 200,
    then: are("plan.txt", "notes.txt"),
  },
  {
    by: "admin",
    get: "/api/files?filter[file_type]=text/plain&count=exact",
    status: 200,
    has: { pagination: { total: 4 } },
  },
  { by: "admin", get: "/api/files?filter[name][contains]=ABC", status: 200, then: are("ábc.txt") },
  {
    by: "admin",
    get: "/api/files?filter[folder_id][is_null]=true&filter[client_id][is_null]=false",
    status: 200,
    then: are("offer.txt"),
  },
  { by: "admin", get: "/api/files?filter[description]=x", status: 400, problem: { code: "unknown_field" } },
  { by: "admin", get: "/api/files?sort=text", status: 400 },
]);

scenarios("changing a file", given, [
  {
    ...{ by: "lan", patch: "/api/files/$offer", ifMatch: '"v1"', status: 200, events: ["file.updated"] },
    body: { name: " Offer, final.txt ", description: " as agreed ", task_id: "$call" },
    has: {
      name: "Offer, final.txt",
      original_name: "offer.txt",
      description: " as agreed ",
      task_id: "$call",
      version: 2,
    },
    hasHeaders: { etag: '"v2"' },
  },
  {
    by: "lan",
    patch: "/api/files/$offer",
    body: { name: "offer.txt" },
    status: 200,
    events: [],
    has: { version: 1 },
  },
  { by: "lan", patch: "/api/files/$offer", ifMatch: '"v7"', body: { name: "x" }, status: 412 },
  { by: "lan", patch: "/api/files/$offer", body: { client_id: null }, status: 200, has: { client_id: null } },
  ...["a/b", "a\\b", "..", " . ", "a\u0000b", "a\nb", "a\u202eb", "", " ", "x".repeat(256)].map((name) => ({
    ...{ by: "lan" as const, patch: "/api/files/$offer", body: { name }, status: 422, events: [] },
    problem: { code: "validation_failed", field: "name" },
  })),
  ...["file_size", "checksum", "uploaded_by", "metadata", "original_name", "version"].map((field) => ({
    ...{ by: "lan" as const, patch: "/api/files/$offer", body: { [field]: "x" }, status: 422, events: [] },
    problem: { field, fieldCode: "unknown_field" },
  })),
  // Whoever works on the client may change what belongs to it; whoever only sees the client may not.
  { by: "minh", patch: "/api/files/$offer", body: { name: "x.txt" }, status: 200 },
  { by: "stranger", patch: "/api/files/$offer", body: { name: "x.txt" }, status: 403, events: [] },
  { by: "minh", patch: "/api/files/$abc", body: { name: "x.txt" }, status: 404, events: [] },
  {
    ...{ by: "stranger", name: "an unseen task", patch: "/api/files/$mine", status: 422, events: [] },
    after: async (world) => void (await upload(world, "stranger", "mine.txt")),
    body: { task_id: "$call" },
    problem: { field: "task_id", fieldCode: "unknown_task" },
  },
]);

scenarios("deleting and restoring a file", given, [
  { by: "lan", delete: "/api/files/$offer", status: 204, events: ["file.deleted"] },
  { by: "minh", delete: "/api/files/$offer", status: 204, events: ["file.deleted"] },
  { by: "stranger", delete: "/api/files/$offer", status: 403, events: [] },
  { by: "lan", delete: "/api/files/$plan", status: 404, events: [] },
  {
    ...{
      by: "lan",
      name: "a deleted one",
      get: "/api/files/$offer",
      status: 410,
      problem: { code: "deleted", version: 2 },
    },
    after: (world) => world.send("lan", "DELETE", "/api/files/$offer"),
    then: async ({ send }) => {
      expect((await send("lan", "GET", "/api/files/$offer/download")).status).toBe(410);
      expect((await send("lan", "GET", "/api/files/$offer/download-url")).status).toBe(410);
      expect((await send("stranger", "GET", "/api/files/$offer")).status).toBe(404);
      expect((await send("stranger", "GET", "/api/files?deleted=only")).json.data).toEqual([]);
      expect((await send("minh", "GET", "/api/files?deleted=only")).json.data).toHaveLength(1);
      const all = await send("lan", "GET", "/api/files?deleted=with&sort=name&count=exact");
      expect(all.json.data.map(({ name }: { name: string }) => name)).toEqual([
        "ábc.txt",
        "notes.txt",
        "offer.txt",
      ]);
      const back = await send("minh", "POST", "/api/files/$offer/restore");
      expect([back.status, back.json.deleted_at, back.json.version]).toEqual([200, null, 3]);
      expect((await send("lan", "GET", "/api/files/$offer/download")).text).toBe("22");
    },
  },
]);

inWorld("what belongs to a record", given, (world) => {
  test("is seen by whoever sees the record, and by nobody whom it was taken from", async () => {
    const { send } = world();
    const statuses = async (by: "lan" | "minh" | "stranger") =>
      Promise.all(
        ["", "/download", "/download-url"].map(
          async (path) => (await send(by, "GET", `/api/files/$notes${path}`)).status,
        ),
      );
    expect(await statuses("minh")).toEqual([200, 200, 200]);
    expect(await statuses("stranger")).toEqual([404, 404, 404]);
    const link = (await send("minh", "GET", "/api/files/$notes/download-url")).json.download_url;
    expect((await fetch(link)).status).toBe(200);
    await send("lan", "PATCH", "/api/tasks/$call", { body: { assigned_to: null } });
    expect(await statuses("minh")).toEqual([404, 404, 404]);
    expect((await fetch(link)).status).toBe(404);
    expect((await send("minh", "GET", "/api/files?task_id=$call")).json.data).toEqual([]);
  });

  test("is seen no longer by who uploaded it, once they see the record no longer", async () => {
    const { send, ids } = world();
    const { id } = await upload(world(), "minh", "minutes.txt", "x", { task_id: "$call" });
    await send("lan", "PATCH", "/api/tasks/$call", { body: { assigned_to: null } });
    for (const [method, path] of [
      ["GET", ""],
      ["GET", "/download"],
      ["PATCH", ""],
      ["DELETE", ""],
    ] as const) {
      const body = method === "PATCH" ? { name: "x" } : undefined;
      expect((await send("minh", method, `/api/files/${id}${path}`, { body })).status).toBe(404);
    }
    await send("lan", "PATCH", "/api/tasks/$call", { body: { assigned_to: ids["stranger"] } });
    expect((await send("stranger", "GET", `/api/files/${id}`)).status).toBe(200);
  });

  test("stays when the record is deleted, and loses it when that is removed for good", async () => {
    const { send, server } = world();
    await send("lan", "DELETE", "/api/clients/$acme");
    expect((await send("minh", "GET", "/api/files/$offer")).json.client_id).toBe(world().ids["acme"]);
    await server.parts.purge({ records: -1 });
    expect((await send("lan", "GET", "/api/files/$offer")).json).toMatchObject({
      client_id: null,
      version: 2,
    });
    expect((await send("minh", "GET", "/api/files/$offer")).status).toBe(404);
  });
});

inWorld("with clients visible to own", { ...given, env: { NEOCRM_VISIBILITY_CLIENTS: "own" } }, (world) => {
  test("a file on a client is for those who see the client", async () => {
    const { send } = world();
    expect((await send("minh", "GET", "/api/files?sort=name")).json.data).toHaveLength(2);
    expect((await send("stranger", "GET", "/api/files")).json.data).toEqual([]);
    expect((await send("stranger", "GET", "/api/files/$offer")).status).toBe(404);
    expect((await send("lan", "GET", "/api/dashboard/stats")).json.files).toEqual({ total: 3, bytes: 6 });
    expect((await send("stranger", "GET", "/api/dashboard/stats")).json.files).toEqual({
      total: 0,
      bytes: 0,
    });
  });
});

inWorld("how much there is", given, (world) => {
  test("is what the caller may see", async () => {
    const usage = async (by: "lan" | "admin") =>
      (await world().send(by, "GET", "/api/analytics/storage-usage")).json;
    expect(await usage("lan")).toEqual({
      ...{ total: 3, bytes: 6, by_type: [{ file_type: "text/plain", total: 3, bytes: 6 }] },
      ...{ yours: { bytes: 6, quota: null }, kept: null },
    });
    expect(await usage("admin")).toMatchObject({ total: 4, bytes: 10, kept: { bytes: 10, quota: null } });
    expect((await world().send("admin", "GET", "/api/dashboard/stats")).json.files).toEqual({
      total: 4,
      bytes: 10,
    });
  });
});

inWorld("a file that is removed for good", given, (world) => {
  test("takes its bytes along, unless another file has them", async () => {
    const { send, server } = world();
    const { keeper } = server.parts;
    const [{ id: one }, { id: other }] = [
      await upload(world(), "lan", "one.txt", "the same"),
      await upload(world(), "minh", "other.txt", "the same"),
    ];
    await keeper.sweep(-1);
    const before = kept(world());
    await send("lan", "DELETE", `/api/files/${one}`);
    await server.parts.purge({ records: -1 });
    await keeper.sweep(-1);
    expect([kept(world()), (await send("lan", "GET", `/api/files/${one}`)).status]).toEqual([before, 404]);
    expect((await send("minh", "GET", `/api/files/${other}/download`)).text).toBe("the same");
    await send("minh", "DELETE", `/api/files/${other}`);
    await server.parts.purge({ records: -1 });
    await keeper.sweep(-1);
    expect(kept(world())).toBe(before - 1);
    expect((await upload(world(), "lan", "again.txt", "the same")).file_size).toBe(8);
    expect(await keeper.verify()).toMatchObject({ missing: [], damaged: [] });
  });

  test("takes no bytes that somebody else adds at the same moment", async () => {
    const { send, server } = world();
    for (let round = 0; round < 8; round++) {
      const [old, ...added] = await Promise.all([
        upload(world(), "lan", "old.txt", `round ${round}`).then(async ({ id }) => {
          await send("lan", "DELETE", `/api/files/${id}`);
          await server.parts.purge({ records: -1 });
          return id;
        }),
        ...[1, 2, 3].map(async (i) => {
          await Bun.sleep(i * 3);
          return (await upload(world(), "minh", `new${i}.txt`, `round ${round}`)).id;
        }),
      ]);
      expect((await send("lan", "GET", `/api/files/${old}`)).status).toBe(404);
      for (const id of added)
        expect((await send("minh", "GET", `/api/files/${id}/download`)).text).toBe(`round ${round}`);
    }
    expect(await server.parts.keeper.verify()).toMatchObject({ missing: [], damaged: [] });
  });

  test("leaves nothing of what it was called", async () => {
    const { id } = await upload(world(), "lan", "salaries.txt", "x");
    await world().send("lan", "DELETE", `/api/files/${id}`);
    await world().server.parts.purge({ records: -1 });
    expect(JSON.stringify(await world().events())).not.toContain("salaries");
  });
});

inWorld("the history of a file", given, (world) => {
  test("says what it was, and makes it anew", async () => {
    const { send, server } = world();
    const { store, clients, tasks, folders, files } = server.parts;
    await send("lan", "PATCH", "/api/files/$offer", { body: { name: "later.txt", client_id: null } });
    const [{ created_at }] = (await send("lan", "GET", "/api/files?filter[name]=later.txt")).json.data;
    const then = await send("lan", "GET", `/api/files/$offer?as_of=${created_at}`);
    expect(then.json).toMatchObject({ name: "offer.txt", client_id: world().ids["acme"], version: 1 });
    await send("lan", "DELETE", "/api/files/$notes");
    const rows = async () => ({
      files: await store.read.q.select().from(store.read.t.files).orderBy(store.read.t.files.id),
    });
    const before = await rows();
    await store.tx(async ({ t, q }) => {
      await q.update(t.files).set({ name: "spoilt", version: 9, deleted_at: null });
    });
    const kinds = [clients, tasks, folders, files].map(({ rebuilt }) => rebuilt);
    expect((await replay(store, kinds)).at(-1)).toMatchObject({ name: "file", records: 4, changed: 4 });
    expect(await rows()).toEqual(before);
    await store.tx(async ({ t, q }) => void (await q.delete(t.files)));
    expect((await replay(store, kinds)).at(-1)).toMatchObject({ added: 4 });
    expect(await rows()).toEqual(before);
  });

  test("is in the activities of whoever sees it", async () => {
    const { send } = world();
    const seen = async (by: "lan" | "minh" | "stranger") =>
      (await send(by, "GET", "/api/activities?filter[entity_type]=file")).json.data.map(
        ({ description }: { description: string }) => description,
      );
    expect(await seen("lan")).toEqual(Array.from({ length: 3 }, () => "Test lan added a file."));
    expect(await seen("minh")).toHaveLength(2);
    expect(await seen("stranger")).toHaveLength(1);
    expect((await send("stranger", "GET", "/api/activities/file/$notes")).status).toBe(404);
    expect((await send("minh", "GET", "/api/activities/file/$notes")).json.data).toHaveLength(1);
  });
});

inWorld("the sweep of bytes that no file has", given, (world) => {
  test("takes what is old enough, and nothing else", async () => {
    const { keeper } = world().server.parts;
    await keeper.sweep(-1);
    const before = kept(world());
    const stray = await keeper.put(
      (async function* () {
        yield new TextEncoder().encode("stray");
      })(),
    );
    expect(await keeper.sweep(60_000)).toBe(0);
    expect(kept(world())).toBe(before + 1);
    expect(await keeper.sweep(-1)).toBe(1);
    expect(kept(world())).toBe(before);
    expect(await keeper.verify()).toMatchObject({ missing: [], damaged: [] });
    expect(stray.size).toBe(5);
  });
});
