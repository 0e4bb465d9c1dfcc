/** Who gets at files by which way: ids of others, links that were given before, names and types that pretend. */
import { expect, test } from "bun:test";
import { Glob } from "bun";
import { systemActor } from "../../src/policy";
import { closeAccount, letIn } from "../support/people";
import { form, oneFile, upload } from "../support/files";
import { inWorld, play, type By, type Scenario, type World } from "../support/scenario";

const secret = "the margin is 40 per cent";

const given = {
  clients: { acme: { assigned_to: "$minh" } },
  tasks: { call: { assigned_to: "$minh" } },
  once: async (world: World) => {
    await upload(world, "lan", "loose.txt", secret);
    await upload(world, "lan", "bound.txt", secret, { task_id: "$call" });
    const { json } = await world.send("stranger", "POST", "/api/folders", { body: { name: "Shelf" } });
    world.ids["shelf"] = json.id;
    await upload(world, "lan", "shelved.txt", secret, { folder_id: "$shelf" });
  },
};

inWorld("files of others", { ...given, env: { NEOCRM_VISIBILITY_CLIENTS: "own" } }, (world) => {
  const never = [secret, "loose", "bound", "shelved"];
  const ways: Scenario[] = [
    ...["", "/download", "/download-url"].flatMap((path) =>
      ["$loose", "$bound", "$shelved"].map((id) => ({
        ...{ by: "stranger" as const, get: `/api/files/${id}${path}`, status: 404, never },
      })),
    ),
    ...[
      "",
      "?client_id=$acme",
      "?task_id=$call",
      "?folder_id=$shelf",
      "?filter[uploaded_by]=$lan",
      "?filter[name]=loose.txt",
      "?deleted=with",
    ].map((query) => ({
      ...{ by: "stranger" as const, get: `/api/files${query}`, status: 200, never },
      ...{ has: { data: [], pagination: { total: 0 } } },
    })),
    {
      by: "stranger",
      get: "/api/activities?filter[entity_type]=file",
      status: 200,
      has: { data: [] },
      never,
    },
    { by: "stranger", get: "/api/activities/file/$loose", status: 404, never },
    { by: "stranger", get: "/api/folders/$shelf/tree", status: 200, never },
    {
      by: "stranger",
      patch: "/api/files/$loose",
      body: { folder_id: "$shelf" },
      status: 404,
      events: [],
      never,
    },
    { by: "stranger", delete: "/api/files/$shelved", status: 404, events: [], never },
    { by: "stranger", post: "/api/files/$loose/restore", status: 404, events: [], never },
    // The folder is the stranger's; what lies in it is not.
    { by: "stranger", delete: "/api/folders/$shelf", status: 403, events: [], never },
    {
      by: "stranger",
      get: "/api/analytics/storage-usage",
      status: 200,
      has: { total: 0, bytes: 0, kept: null },
    },
    // An id of one kind is none of another.
    { by: "lan", get: "/api/files/$shelf", status: 404 },
    { by: "lan", get: "/api/folders/$loose", status: 404 },
    { by: "lan", get: "/api/files/$call/download", status: 404 },
    ...[
      ["client_id", "$call", "unknown_client"],
      ["task_id", "$acme", "unknown_task"],
      ["folder_id", "$acme", "unknown_folder"],
    ].map(([field, id, fieldCode]) => ({
      ...{ by: "lan" as const, patch: "/api/files/$loose", body: { [field!]: id }, status: 422, events: [] },
      problem: { field, fieldCode },
    })),
  ];
  for (const [i, way] of ways.entries())
    test(`stay theirs: way ${i}`, async () => void (await play(way, world())));

  test("are not reached by attaching something to what one does not see", async () => {
    for (const field of ["client_id", "task_id"]) {
      const id = world().ids[field === "client_id" ? "acme" : "call"]!;
      const sent = oneFile("mine.txt", "x", { [field]: id });
      const { status, json } = await world().send("stranger", "POST", "/api/files/upload", sent);
      expect([status, json.errors[0].field]).toEqual([422, field]);
    }
  });

  test("cannot be told from files that are not there", async () => {
    const missing = "01890a5d-ac96-774b-bcce-b302099a8057";
    const [hidden, absent] = [
      await world().send("stranger", "GET", "/api/files/$loose"),
      await world().send("stranger", "GET", `/api/files/${missing}`),
    ];
    const { instance: _, request_id: __, ...told } = hidden.json;
    expect(absent.json).toMatchObject(told);
  });
});

inWorld("a link to a file", given, (world) => {
  const linkOf = async (by: By) =>
    (await world().send(by, "GET", "/api/files/$bound/download-url")).json.download_url as string;

  test("ends with the account of who asked for it", async () => {
    const { server, people } = world();
    const link = await linkOf("minh");
    expect((await fetch(link)).status).toBe(200);
    await closeAccount(server, people.minh.id);
    const { status } = await fetch(link);
    await server.parts.accounts.activate(systemActor("test-setup"), people.minh.id);
    people.minh = await letIn(server, people.minh.email);
    expect(status).toBe(401);
  });

  test("ends with the session", async () => {
    const { server, people } = world();
    const link = await linkOf("minh");
    await world().send("minh", "POST", "/api/auth/logout");
    const { status } = await fetch(link);
    people.minh = await letIn(server, people.minh.email);
    expect(status).toBe(401);
  });

  test("does not show its ticket to the log or to a referrer", async () => {
    const link = await linkOf("minh");
    const { headers } = await fetch(link);
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cache-control")).toBe("private, no-cache");
  });
});

/** What there is in a data directory, besides where files and mails belong. */
const elsewhere = (dataDir: string) =>
  [...new Glob("**").scanSync(dataDir)].filter((name) => !/^(blobs|outbox)\//.test(name)).toSorted();

inWorld("names that pretend", given, (world) => {
  test("lead nowhere on the disk", async () => {
    const { server } = world();
    const before = elsewhere(server.dataDir);
    for (const name of [
      "../../neocrm.db",
      "/etc/passwd",
      "..\\\\..\\\\x",
      "%2e%2e%2fx",
      "x\0.txt",
      "con",
      "..",
    ])
      await upload(world(), "lan", name, "pretends");
    const after = elsewhere(server.dataDir);
    expect(after).toEqual(before);
    for (const name of new Glob("blobs/**").scanSync(server.dataDir))
      expect(name).toMatch(/^blobs\/([0-9a-f]{2}|incoming)\/[0-9a-f-]+$/);
  });

  test("with line breaks are no further headers of the part", async () => {
    const name = 'a"\r\nContent-Type: text/html\r\nX: "b';
    const { status, json } = await world().send("lan", "POST", "/api/files/upload", oneFile(name, "x"));
    // What was meant for a name ends before it: whatever the parser makes of it, it is a file with a plain name or none.
    if (status === 201) expect(json.name).not.toMatch(/[\r\n]/);
    else expect([400, 422]).toContain(status);
  });

  test("do not decide what a file is, nor does what the sender says", async () => {
    const { raw, headers } = form({
      ...{
        field: "file",
        name: "photo.png",
        type: "image/png",
        bytes: "<html><script>alert(1)</script></html>",
      },
    });
    const { json } = await world().send("lan", "POST", "/api/files/upload", { raw, headers });
    expect(json.file_type).toBe("text/html");
    const download = await world().send("lan", "GET", `/api/files/${json.id}/download`);
    expect(download.headers.get("content-disposition")).toBe('attachment; filename="photo.png"');
    expect(download.headers.get("content-security-policy")).toMatch(/^sandbox; default-src 'none'/);
  });
});
