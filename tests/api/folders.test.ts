/** Folders: a tree that is renamed, moved, deleted and brought back with what is in it. */
import { expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { setImmediate } from "node:timers/promises";
import { now } from "../../src/clock";
import { insertManyInto } from "../../src/db/rows";
import { replay } from "../../src/events/replay";
import { wholeFolder } from "../../src/features/folders/store";
import { newId } from "../../src/ids";
import { systemActor, type Actor } from "../../src/policy";
import { upload } from "../support/files";
import { inWorld, scenarios, type By, type World } from "../support/scenario";

const missing = "01890a5d-ac96-774b-bcce-b302099a8057";

/** Adds a folder; its id is known by its name from then on. */
async function add(world: World, by: By, name: string, parent?: string): Promise<void> {
  const body = { name, ...(parent && { parent_id: `$${parent}` }) };
  const answer = await world.send(by, "POST", "/api/folders", { body });
  if (answer.status !== 201) throw new Error(`folder ${name}: ${answer.text}`);
  world.ids[name] = answer.json.id;
}

/** Sales (lan) › Offers (lan) › Old (lan), and beside it Archive (manager) and Private (stranger). */
const given = {
  once: async (world: World) => {
    await add(world, "lan", "Sales");
    await add(world, "lan", "Offers", "Sales");
    await add(world, "lan", "Old", "Offers");
    await add(world, "manager", "Archive");
    await add(world, "stranger", "Private");
    await upload(world, "lan", "draft.txt", "d", { folder_id: "$Offers" });
  },
};

scenarios("adding a folder", given, [
  {
    ...{
      by: "stranger",
      post: "/api/folders",
      body: { name: " Neu " },
      status: 201,
      events: ["folder.created"],
    },
    has: { name: "Neu", parent_id: null, created_by: "$stranger", deleted_at: null, version: 1 },
    hasHeaders: { etag: '"v1"', location: /^\/api\/folders\/[0-9a-f-]{36}$/ },
  },
  {
    by: "lan",
    post: "/api/folders",
    body: { name: "Neu", parent_id: "$Sales" },
    status: 201,
    has: { parent_id: "$Sales" },
  },
  {
    ...{ by: "lan", post: "/api/folders", body: { name: "sALES" }, status: 409, events: [] },
    problem: { code: "name_taken", field: undefined, conflicting_id: "$Sales" },
  },
  {
    by: "lan",
    post: "/api/folders",
    body: { name: "offers", parent_id: "$Sales" },
    status: 409,
    problem: { code: "name_taken" },
  },
  // Accents make another name, however they were typed; another parent makes room for the same.
  { by: "lan", post: "/api/folders", body: { name: "Säles" }, status: 201 },
  {
    ...{ by: "lan", name: "accents typed in another way", post: "/api/folders", status: 409 },
    after: (world) => add(world, "lan", "Caf\u00e9"),
    body: { name: "CAFE\u0301" },
  },
  { by: "lan", post: "/api/folders", body: { name: "Sales", parent_id: "$Archive" }, status: 201 },
  ...["a/b", "..", "", " ", "a\u0000", "a\u202e", "x".repeat(256)].map((name) => ({
    ...{ by: "lan" as const, post: "/api/folders", body: { name }, status: 422, events: [] },
    problem: { code: "validation_failed", field: "name" },
  })),
  {
    by: "lan",
    post: "/api/folders",
    body: { name: "x", parent_id: missing },
    status: 422,
    problem: { field: "parent_id", fieldCode: "unknown_folder" },
  },
  {
    by: "lan",
    post: "/api/folders",
    body: { name: "x", created_by: missing },
    status: 422,
    problem: { field: "created_by" },
  },
  { by: "nobody", post: "/api/folders", body: { name: "x" }, status: 401 },
]);

const listed = (...names: string[]) => ({
  then: (_: World, { json }: { json: { data: { name: string }[] } }) =>
    expect(json.data.map(({ name }) => name)).toEqual(names),
});

scenarios("lists and trees of folders", given, [
  {
    by: "stranger",
    get: "/api/folders",
    status: 200,
    ...listed("Archive", "Offers", "Old", "Private", "Sales"),
  },
  { by: "minh", get: "/api/folders?parent_id=$Sales", status: 200, ...listed("Offers") },
  {
    by: "minh",
    get: "/api/folders?filter[parent_id][is_null]=true",
    status: 200,
    ...listed("Archive", "Private", "Sales"),
  },
  {
    by: "minh",
    get: "/api/folders?filter[created_by]=$lan&sort=-created_at",
    status: 200,
    ...listed("Old", "Offers", "Sales"),
  },
  { by: "minh", get: "/api/files?folder_id=$Offers", status: 200, has: { data: [] } },
  { by: "lan", get: "/api/files?folder_id=$Offers", status: 200, ...listed("draft.txt") },
  {
    ...{ by: "minh", get: "/api/folders/$Sales/tree", status: 200 },
    has: {
      ...{ folder: { id: "$Sales" }, path: [], truncated: false },
      folders: [
        { id: "$Offers", parent_id: "$Sales", depth: 1 },
        { id: "$Old", parent_id: "$Offers", depth: 2 },
      ],
    },
  },
  {
    by: "minh",
    get: "/api/folders/$Sales/tree?depth=1",
    status: 200,
    then: (_, { json }) => expect(json.folders).toHaveLength(1),
  },
  {
    ...{ by: "minh", get: "/api/folders/$Old/tree", status: 200 },
    has: {
      path: [
        { id: "$Sales", name: "Sales" },
        { id: "$Offers", name: "Offers" },
      ],
      folders: [],
    },
  },
  ...["0", "101", "x", "1.5", ""].map((depth) => ({
    ...{ by: "minh" as const, get: `/api/folders/$Old/tree?depth=${depth}`, status: 400 },
  })),
  { by: "minh", get: `/api/folders/${missing}/tree`, status: 404 },
  { by: "minh", get: "/api/folders/$Old", status: 200, hasHeaders: { etag: '"v1"' } },
]);

scenarios("renaming and moving a folder", given, [
  {
    ...{ by: "lan", patch: "/api/folders/$Offers", ifMatch: '"v1"', status: 200, events: ["folder.updated"] },
    ...{
      body: { name: "Bids", parent_id: "$Archive" },
      has: { name: "Bids", parent_id: "$Archive", version: 2 },
    },
    then: async ({ send, ids }) => {
      const { json } = await send("lan", "GET", "/api/folders/$Old/tree");
      expect(json.path.map(({ id }: { id: string }) => id)).toEqual([ids["Archive"], ids["Offers"]]);
    },
  },
  {
    by: "lan",
    patch: "/api/folders/$Offers",
    body: { parent_id: null },
    status: 200,
    has: { parent_id: null },
  },
  { by: "lan", patch: "/api/folders/$Sales", body: { name: "SALES" }, status: 200, has: { name: "SALES" } },
  {
    by: "lan",
    patch: "/api/folders/$Sales",
    body: { name: "archive" },
    status: 409,
    problem: { code: "name_taken" },
    events: [],
  },
  ...["$Sales", "$Offers", "$Old"].map((parent_id) => ({
    ...{ by: "lan" as const, patch: "/api/folders/$Sales", body: { parent_id }, status: 409, events: [] },
    problem: { code: "folder_in_itself" },
  })),
  { by: "lan", patch: "/api/folders/$Sales", body: { parent_id: missing }, status: 422 },
  { by: "minh", patch: "/api/folders/$Sales", body: { name: "x" }, status: 403, events: [] },
  { by: "manager", patch: "/api/folders/$Sales", body: { name: "x" }, status: 200 },
  { by: "lan", patch: "/api/folders/$Sales", ifMatch: '"v9"', body: { name: "x" }, status: 412 },
]);

inWorld("a folder that is deleted", given, (world) => {
  test("takes along what is in it, and brings it back", async () => {
    const { send, events } = world();
    const before = (await events()).length;
    expect((await send("lan", "DELETE", "/api/folders/$Sales")).status).toBe(204);
    const types = (await events()).slice(before).map(({ type }) => type);
    expect(types.toSorted()).toEqual(["file.deleted", ...Array.from({ length: 3 }, () => "folder.deleted")]);
    for (const path of [
      "folders/$Sales",
      "folders/$Old",
      "folders/$Old/tree",
      "files/$draft",
      "files/$draft/download",
    ])
      expect([path, (await send("lan", "GET", `/api/${path}`)).status]).toEqual([path, 410]);
    expect((await send("minh", "GET", "/api/folders/$Old")).status).toBe(404);
    expect((await send("lan", "GET", "/api/folders?count=exact")).json.pagination.total).toBe(2);

    const inside = await send("lan", "POST", "/api/folders/$Offers/restore");
    expect([inside.status, inside.json.code, inside.json.folder_id]).toEqual([
      ...[409, "folder_deleted", world().ids["Sales"]],
    ]);
    expect((await send("lan", "POST", "/api/files/$draft/restore")).json.code).toBe("folder_deleted");
    const into = { body: { folder_id: "$Offers" } };
    const { id } = await upload(world(), "lan", "other.txt");
    expect((await send("lan", "PATCH", `/api/files/${id}`, into)).status).toBe(422);

    expect((await send("minh", "POST", "/api/folders/$Sales/restore")).status).toBe(404);
    expect((await send("lan", "POST", "/api/folders/$Sales/restore")).json).toMatchObject({ version: 3 });
    expect((await send("lan", "GET", "/api/folders/$Sales/tree")).json.folders).toHaveLength(2);
    expect((await send("lan", "GET", "/api/files/$draft")).json).toMatchObject({
      deleted_at: null,
      version: 3,
    });
    expect((await send("lan", "GET", "/api/files/$draft/download")).text).toBe("d");
  });

  test("leaves deleted what was deleted before it", async () => {
    const { send } = world();
    await send("lan", "DELETE", "/api/folders/$Old");
    await send("lan", "DELETE", "/api/files/$draft");
    await Bun.sleep(2);
    await send("lan", "DELETE", "/api/folders/$Sales");
    await send("lan", "POST", "/api/folders/$Sales/restore");
    expect((await send("lan", "GET", "/api/folders/$Offers")).status).toBe(200);
    expect((await send("lan", "GET", "/api/folders/$Old")).status).toBe(410);
    expect((await send("lan", "GET", "/api/files/$draft")).status).toBe(410);
  });

  test("frees its name at once, and does not come back where it is taken", async () => {
    const { send, ids } = world();
    await send("lan", "DELETE", "/api/folders/$Sales");
    const taker = await send("minh", "POST", "/api/folders", { body: { name: "sales" } });
    expect(taker.status).toBe(201);
    const back = await send("lan", "POST", "/api/folders/$Sales/restore");
    expect(back.json).toMatchObject({ status: 409, code: "name_taken", conflicting_id: taker.json.id });
    expect((await send("lan", "GET", "/api/files/$draft")).status).toBe(410);
    expect(ids["Sales"]).not.toBe(taker.json.id);
  });

  test("is not deleted with what one may not delete", async () => {
    const { send } = world();
    await add(world(), "stranger", "Mine", "Offers");
    expect((await send("lan", "DELETE", "/api/folders/$Sales")).status).toBe(403);
    await send("stranger", "DELETE", "/api/folders/$Mine");
    await upload(world(), "stranger", "secret.txt", "x", { folder_id: "$Old" });
    const { status, text } = await send("lan", "DELETE", "/api/folders/$Sales");
    expect([status, text.includes("secret")]).toEqual([403, false]);
    expect((await send("lan", "GET", "/api/folders/$Old")).status).toBe(200);
    expect((await send("manager", "DELETE", "/api/folders/$Sales")).status).toBe(204);
    expect((await send("stranger", "GET", "/api/files/$secret")).status).toBe(410);
    expect((await send("stranger", "POST", "/api/folders/$Sales/restore")).status).toBe(404);
    expect((await send("lan", "POST", "/api/folders/$Sales/restore")).status).toBe(403);
    expect((await send("manager", "POST", "/api/folders/$Sales/restore")).status).toBe(200);
    expect((await send("stranger", "GET", "/api/files/$secret")).status).toBe(200);
  });

  test("is removed for good with all that was in it, and leaves what came out of it before", async () => {
    const { send, server } = world();
    await send("lan", "DELETE", "/api/folders/$Sales");
    await server.parts.purge({ records: -1 });
    for (const path of ["folders/$Sales", "folders/$Old", "files/$draft"])
      expect((await send("admin", "GET", `/api/${path}`)).status).toBe(404);
    const told = (await world().events()).filter(({ type }) => type.endsWith(".purged"));
    expect(told.map(({ entity_type }) => entity_type).toSorted()).toEqual([
      "file",
      "folder",
      "folder",
      "folder",
    ]);
    expect(JSON.stringify(await world().events())).not.toContain("Offers");
  });
});

inWorld("many who move folders at once", given, (world) => {
  test("make no circle", async () => {
    const { send, ids, server } = world();
    for (const name of ["A", "B", "C"]) await add(world(), "manager", name);
    const into = (folder: string, parent: string) =>
      send("manager", "PATCH", `/api/folders/$${folder}`, { body: { parent_id: `$${parent}` } });
    const moves = await Promise.all([into("A", "B"), into("B", "C"), into("C", "A")]);
    expect(moves.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 200, 409]);
    const rows = await server.parts.store.read.q.select().from(server.parts.store.read.t.folders);
    const parents = new Map(rows.map(({ id, parent_id }) => [id, parent_id]));
    for (const name of ["A", "B", "C"]) {
      let above: string | null = ids[name]!;
      for (let steps = 0; above !== null; steps++) {
        expect(steps).toBeLessThan(5);
        above = parents.get(above) ?? null;
      }
    }
  });

  test("and add the same name leave one", async () => {
    const made = await Promise.all(
      ["Same", "SAME", "same", "sAmE"].map((name) =>
        world().send("lan", "POST", "/api/folders", { body: { name } }),
      ),
    );
    expect(made.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409, 409, 409]);
  });
});

inWorld("a deep tree", {}, (world) => {
  test("goes 100 deep and no deeper, whatever is put together", async () => {
    const { send, ids } = world();
    await add(world(), "lan", "d1");
    for (let depth = 2; depth <= 100; depth++) await add(world(), "lan", `d${depth}`, `d${depth - 1}`);
    const deeper = await send("lan", "POST", "/api/folders", { body: { name: "x", parent_id: "$d100" } });
    expect([deeper.status, deeper.json.code]).toEqual([409, "too_deep"]);
    await add(world(), "lan", "Top");
    expect((await send("lan", "PATCH", "/api/folders/$d1", { body: { parent_id: "$Top" } })).json.code).toBe(
      "too_deep",
    );
    expect((await send("lan", "PATCH", "/api/folders/$d2", { body: { parent_id: "$Top" } })).status).toBe(
      200,
    );
    const { path, folders } = (await send("lan", "GET", "/api/folders/$d50/tree")).json;
    expect([path.length, path[0].id, folders.length]).toEqual([49, ids["Top"], 50]);
    expect((await send("lan", "DELETE", "/api/folders/$Top")).status).toBe(204);
    expect((await send("lan", "POST", "/api/folders/$Top/restore")).status).toBe(200);
    expect((await send("lan", "GET", "/api/folders/$d100")).status).toBe(200);
  });
});

inWorld("a folder with two thousand in it", {}, (world) => {
  test("goes as one, and lets others have their turn meanwhile", async () => {
    const { send, server, ids } = world();
    await add(world(), "lan", "Top");
    const at = now();
    const made = { created_by: ids["lan"]!, created_at: at, updated_at: at, deleted_at: null, version: 1 };
    const rows = Array.from({ length: 2_000 }, (_, i) =>
      wholeFolder({ id: newId(), name: `f${i}`, parent_id: ids["Top"]!, ...made }),
    );
    await server.parts.store.tx((session) => insertManyInto("folders")(session, rows));
    let [turns, isDone] = [0, false];
    const takeTurns = (async () => {
      for (; !isDone; turns++) await setImmediate();
    })();
    const { folders, store } = server.parts;
    const actor = {
      ...systemActor("two-thousand"),
      grants: { "folders.read": "all", "folders.delete": "all" },
    };
    const meanwhile = await store.tx(async (session) => {
      const before = turns;
      await folders.deleteIn(session, actor as Actor, ids["Top"]!, "any");
      return turns - before;
    });
    isDone = true;
    await takeTurns;
    // One after each hundred.
    expect(meanwhile).toBeGreaterThanOrEqual(18);
    expect((await send("lan", "POST", "/api/folders/$Top/restore")).status).toBe(200);
    const { json } = await send("lan", "GET", "/api/folders/$Top/tree");
    expect(json.folders).toHaveLength(2_000);
    expect(json.folders.every(({ version }: { version: number }) => version === 3)).toBe(true);
  });
});

inWorld("a folder with many files", {}, (world) => {
  /** Adds files to a folder, as many copies of one. */
  const fill = async (many: number, more: object = {}) => {
    const { store } = world().server.parts;
    const { files } = store.read.t;
    const [row] = await store.read.q.select().from(files).where(eq(files.id, world().ids["one"]!));
    const copies = Array.from({ length: many }, () => ({ ...row!, ...more, id: newId() }));
    await store.tx((session) => insertManyInto("files")(session, copies));
  };
  const live = async () =>
    (await world().send("admin", "GET", "/api/files?folder_id=$Top&limit=1&count=exact")).json.pagination
      .total;

  test("goes and comes back with all of them, in portions", async () => {
    const { send, events } = world();
    await add(world(), "lan", "Top");
    await upload(world(), "lan", "one.txt", "x", { folder_id: "$Top" });
    await fill(1_200);
    const before = (await events()).length;
    expect((await send("lan", "DELETE", "/api/folders/$Top")).status).toBe(204);
    expect(await live()).toBe(0);
    expect((await send("lan", "POST", "/api/folders/$Top/restore")).status).toBe(200);
    expect(await live()).toBe(1_201);
    const told = Map.groupBy((await events()).slice(before), ({ type }) => type);
    expect(told.get("file.deleted")).toHaveLength(1_201);
    expect(told.get("file.restored")).toHaveLength(1_201);
    for (const { version } of told.get("file.restored")!) expect(version).toBe(3);
  });

  test("stays as it is when one of them may not be deleted, or there are too many", async () => {
    const { send, ids } = world();
    await add(world(), "lan", "Top");
    await upload(world(), "lan", "one.txt", "x", { folder_id: "$Top" });
    await fill(700);
    await fill(1, { uploaded_by: ids["minh"] });
    expect((await send("lan", "DELETE", "/api/folders/$Top")).status).toBe(403);
    expect(await live()).toBe(702);
    await fill(9_299);
    const refused = await send("admin", "DELETE", "/api/folders/$Top");
    expect([refused.status, refused.json.code, refused.json.most]).toEqual([
      409,
      "too_many_in_folder",
      10_000,
    ]);
    expect(await live()).toBe(10_001);
  });
});

inWorld("the history of folders", given, (world) => {
  test("says what they were, and makes them anew", async () => {
    const { send, server } = world();
    const { store, clients, tasks, folders, files } = server.parts;
    const kinds = [clients, tasks, folders, files].map(({ rebuilt }) => rebuilt);
    await send("lan", "PATCH", "/api/folders/$Old", { body: { name: "Older", parent_id: "$Archive" } });
    await add(world(), "lan", "Young");
    // A folder in one that was made after it.
    await send("lan", "PATCH", "/api/folders/$Offers", { body: { parent_id: "$Young" } });
    await send("lan", "DELETE", "/api/folders/$Young");
    await send("lan", "POST", "/api/folders/$Young/restore");
    await send("stranger", "DELETE", "/api/folders/$Private");
    const rows = async () => ({
      folders: await store.read.q.select().from(store.read.t.folders).orderBy(store.read.t.folders.id),
      files: await store.read.q.select().from(store.read.t.files).orderBy(store.read.t.files.id),
    });
    const before = await rows();
    expect((await replay(store, kinds)).slice(2)).toMatchObject([
      { name: "folder", records: 6, added: 0, changed: 0 },
      { name: "file", records: 1, added: 0, changed: 0 },
    ]);
    await store.tx(async ({ t, q }) => {
      await q.delete(t.files);
      await q.delete(t.folders);
    });
    expect((await replay(store, kinds)).slice(2)).toMatchObject([{ added: 6 }, { added: 1 }]);
    expect(await rows()).toEqual(before);
  });
});
