/** What stands in files: found after the upload, shown to whoever sees the file, and searched by them alone. */
import { expect, test } from "bun:test";
import { docx, film, pdf, photo, pixelBomb } from "../support/documents";
import { upload } from "../support/files";
import { idle } from "../support/jobs";
import { inWorld, type By, type World } from "../support/scenario";

/** What is known of a file once it was read. */
async function read(world: World, by: By, name: string) {
  for (let tries = 0; tries < 600; tries++) {
    const { json } = await world.send(by, "GET", `/api/files/$${name}/metadata`);
    if (json.state !== "pending") {
      await idle(world);
      return json;
    }
    await Bun.sleep(25);
  }
  throw new Error(`${name} is never read.`);
}

const found = async (world: World, by: By, q: string, path = "/api/search?type=files&q=") => {
  const { json } = await world.send(by, "GET", path + encodeURIComponent(q));
  const names = new Map(Object.entries(world.ids).map(([name, id]) => [id, name]));
  return (json.hits ?? json.data).map(({ id }: { id: string }) => names.get(id));
};

const clients = { acme: { assigned_to: "$minh" }, private: { by: "manager" as const } };

inWorld("what stands in a file", { clients, env: { NEOCRM_VISIBILITY_CLIENTS: "own" } }, (world) => {
  test("is there after the upload, and survives a change of its name", async () => {
    const { send } = world();
    await upload(
      world(),
      "lan",
      "offer.pdf",
      pdf(["Forty hours of gardening"], { title: "Offer", author: "Lan" }),
    );
    const known = await read(world(), "lan", "offer");
    expect(known).toMatchObject({
      ...{ id: world().ids["offer"], state: "ready", problem: null, file_type: "application/pdf" },
      ...{
        metadata: { pages: 1, title: "Offer", author: "Lan" },
        text: "Forty hours of gardening",
        is_cut: false,
      },
      ...{ previews: [] },
    });
    expect(await found(world(), "lan", "gardening")).toEqual(["offer"]);
    await send("lan", "PATCH", "/api/files/$offer", { body: { name: "Angebot.pdf" } });
    expect(await found(world(), "lan", "gardening angebot")).toEqual(["offer"]);
    expect(await found(world(), "lan", "offer.pdf")).toEqual(["offer"]);
    // It was read once, and the file is what it was.
    expect((await send("lan", "GET", "/api/files/$offer")).json.version).toBe(2);
  });

  test("is found in the same bytes that somebody else uploads, by them", async () => {
    const bytes = docx(["Die Gärtnerei Größe liefert"]);
    await upload(world(), "lan", "first.docx", bytes);
    await read(world(), "lan", "first");
    await upload(world(), "stranger", "second.docx", bytes);
    expect((await world().send("stranger", "GET", "/api/files/$second/metadata")).json.state).toBe("ready");
    expect(await found(world(), "lan", "gartnerei")).toEqual(["first"]);
    expect(await found(world(), "stranger", "gartnerei")).toEqual(["second"]);
    expect(await found(world(), "stranger", "gartnerei", "/api/files/search?q=")).toEqual(["second"]);
    expect((await found(world(), "admin", "gartnerei")).toSorted()).toEqual(["first", "second"]);
  });

  test("is nobody's business who does not see the file, in hits, lists and facets", async () => {
    await upload(world(), "manager", "secret.txt", "the aubergine affair", { client_id: "$private" });
    await upload(world(), "manager", "shared.txt", "the other aubergine", { client_id: "$acme" });
    await read(world(), "manager", "secret");
    await read(world(), "manager", "shared");
    expect(await found(world(), "lan", "aubergine")).toEqual(["shared"]);
    expect(await found(world(), "minh", "aubergine", "/api/files?q=")).toEqual(["shared"]);
    expect(await found(world(), "stranger", "aubergine")).toEqual([]);
    // A wrong letter is not put right by what somebody else's file says.
    expect(await found(world(), "stranger", "aubergina")).toEqual([]);
    const { json } = await world().send("lan", "GET", "/api/search?q=aubergine");
    expect([json.facets.type, json.facets.file_type]).toEqual([
      ...[[{ value: "files", count: 1 }], [{ value: "text/plain", count: 1 }]],
    ]);
    expect(json.hits[0]).toMatchObject({
      type: "files",
      title: "shared.txt",
      snippet: "the other aubergine",
    });
    const { snippet, matches } = json.hits[0];
    expect(matches.map(([from, to]: [number, number]) => snippet.slice(from, to))).toEqual(["aubergine"]);
    for (const method of ["GET", "POST"])
      expect((await world().send("stranger", method, "/api/files/$shared/metadata")).status).toBe(404);
  });

  test("is not found any more once the file is deleted, and is again once it is back", async () => {
    await upload(world(), "lan", "passing.txt", "zucchini");
    await read(world(), "lan", "passing");
    await world().send("lan", "DELETE", "/api/files/$passing");
    expect(await found(world(), "lan", "zucchini")).toEqual([]);
    expect(await found(world(), "lan", "zucchini", "/api/files?deleted=only&q=")).toEqual(["passing"]);
    expect((await world().send("lan", "GET", "/api/files/$passing/metadata")).status).toBe(410);
    await world().send("lan", "POST", "/api/files/$passing/restore");
    expect(await found(world(), "lan", "zucchini")).toEqual(["passing"]);
  });

  test("names in any script are found", async () => {
    await upload(world(), "lan", "Hợp đồng thuê nhà.txt", "1");
    world().ids["viet"] = (await world().send("lan", "GET", "/api/files?q=hop+dong")).json.data[0].id;
    expect(await found(world(), "lan", "thue nha")).toEqual(["viet"]);
    const arabic = (await upload(world(), "lan", "عقد_إيجار.txt", "2")).id;
    world().ids["arabic"] = arabic;
    expect(await found(world(), "lan", "إيجار")).toEqual(["arabic"]);
    const emoji = (await upload(world(), "lan", "🌷🌷 tulips.txt", "3")).id;
    world().ids["emoji"] = emoji;
    expect(await found(world(), "lan", "tulips")).toEqual(["emoji"]);
  });

  test("a photo tells what its camera wrote, but not where it stood", async () => {
    await upload(world(), "lan", "photo.jpg", await photo(400, 200));
    const { metadata, previews } = await read(world(), "lan", "photo");
    expect(metadata).toMatchObject({ width: 200, height: 400, taken_at: "2026-05-17T09:30:00" });
    expect(Object.keys(metadata).filter((name) => /gps|lat|lon/i.test(name))).toEqual([]);
    expect(previews).toEqual([
      { size: "small", width: 80, height: 160 },
      { size: "medium", width: 200, height: 400 },
      { size: "large", width: 200, height: 400 },
    ]);
  });

  test("a bomb is refused once, with the reason, and is read again only for whoever asks", async () => {
    await upload(world(), "lan", "bomb.png", await pixelBomb());
    const why = { state: "failed", problem: "It has more than 50 million pixels.", metadata: {}, text: null };
    expect(await read(world(), "lan", "bomb")).toMatchObject(why);
    const { json } = await world().send(
      "admin",
      "GET",
      "/api/admin/jobs?filter[kind]=file-contents&limit=100",
    );
    expect(json.data.every(({ state }: { state: string }) => state === "succeeded")).toBeTrue();
    const again = await world().send("lan", "POST", "/api/files/$bomb/metadata");
    expect([again.status, again.json.state]).toEqual([202, "pending"]);
    expect(again.headers.get("location")).toBe(`/api/files/${world().ids["bomb"]}/metadata`);
    expect(await read(world(), "lan", "bomb")).toMatchObject(why);
  });

  test("a film tells nothing, at once", async () => {
    await upload(world(), "lan", "film.mp4", film);
    const { status, json } = await world().send("lan", "POST", "/api/files/$film/metadata");
    expect([status, json.state, json.metadata, json.text]).toEqual([200, "ready", {}, null]);
  });
});
