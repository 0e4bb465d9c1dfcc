/** Pictures of people: square, without what the camera wrote, and gone with the last that refers to them. */
import { Glob } from "bun";
import { expect, test } from "bun:test";
import { PNG } from "pngjs";
import { photo, picture, pixelBomb } from "../support/documents";
import { form, oneFile } from "../support/files";
import { inWorld, type By, type World } from "../support/scenario";

/** What is kept once the sweep was there. */
async function kept({ server }: World): Promise<number> {
  await server.parts.keeper.sweep(0);
  return [...new Glob("blobs/*/*").scanSync(server.dataDir)].length;
}

const give = (world: World, by: By, bytes: string | Uint8Array) =>
  world.send(by, "POST", "/api/users/avatar", oneFile("me", bytes));

const shown = ({ server }: World, path: string) => fetch(new URL(path, server.url));

inWorld("a picture of oneself", {}, (world) => {
  test("is the middle of the image, upright, small, and for everybody who knows its address", async () => {
    const { status, json, headers } = await give(world(), "lan", await photo(1_200, 600));
    expect([status, json.avatar_url]).toEqual([
      200,
      expect.stringMatching(/^\/api\/avatars\/[0-9a-f-]{36}$/),
    ]);
    expect(headers.get("etag")).toBe(`"v${json.version}"`);
    const answer = await shown(world(), json.avatar_url);
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      ...{ "content-type": "image/webp", "cache-control": "public, max-age=31536000, immutable" },
      ...{ "cross-origin-resource-policy": "cross-origin", "x-content-type-options": "nosniff" },
    });
    const bytes = await answer.bytes();
    expect(await new Bun.Image(bytes).metadata()).toEqual({ width: 256, height: 256, format: "webp" });
    expect(Buffer.from(bytes).toString("latin1")).not.toMatch(/Exif|Nordlys/);
    // Red was left of blue; turned to the right, it is above.
    const { data } = PNG.sync.read(await new Bun.Image(bytes).png().buffer());
    const at = (x: number, y: number) => [...data.subarray((y * 256 + x) * 4, (y * 256 + x) * 4 + 3)];
    for (const x of [10, 245]) {
      expect(at(x, 10)[0]).toBeGreaterThan(180);
      expect(at(x, 245)[2]).toBeGreaterThan(180);
    }
    expect((await world().send("minh", "GET", "/api/users/$lan")).json.avatar_url).toBe(json.avatar_url);
    expect((await world().events()).at(-1)).toMatchObject({
      type: "user.updated",
      entity_id: world().ids["lan"],
    });
  });

  test("takes the place of the one before, whose bytes go; as they do when an admin takes it away", async () => {
    const first = (await give(world(), "minh", await picture("png", 90, 300))).json.avatar_url;
    const before = await kept(world());
    const second = (await give(world(), "minh", await picture("webp", 30, 30))).json.avatar_url;
    expect([await kept(world()), (await shown(world(), first)).status]).toEqual([before, 404]);
    // It is never made larger.
    expect(await new Bun.Image(await (await shown(world(), second)).bytes()).metadata()).toMatchObject({
      width: 30,
      height: 30,
    });
    await world().send("admin", "PATCH", "/api/admin/users/$minh", {
      body: { avatar_url: null },
      headers: { "if-match": "*" },
    });
    expect((await shown(world(), second)).status).toBe(404);
    expect(await kept(world())).toBe(before - 1);
  });

  test.each([
    ["what is no image", "no image", 422, "validation_failed"],
    ["SVG", '<svg xmlns="http://www.w3.org/2000/svg"/>', 422, "validation_failed"],
    ["a bomb of pixels", pixelBomb, 422, "validation_failed"],
    ["half an image", async () => (await picture("png")).slice(0, 70), 422, "validation_failed"],
    ["a stripe", () => picture("png", 400, 4), 422, "validation_failed"],
    ["more than 10 MB", () => new Uint8Array(11 * 1024 * 1024), 413, "file_too_large"],
  ] as const)("is not %s, and nothing is left of it", async (_, made, status, code) => {
    const before = await kept(world());
    const answer = await give(world(), "stranger", typeof made === "string" ? made : await made());
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(await kept(world())).toBe(before);
  });

  test("comes in one at a time, as each is held as a whole", async () => {
    const bytes = await picture("png", 20, 20);
    const { raw, headers } = oneFile("me", bytes);
    const rest = Promise.withResolvers<void>();
    const slowly = () =>
      fetch(new URL("/api/users/avatar", world().server.url), {
        method: "POST",
        headers: { ...headers, authorization: `Bearer ${world().people.lan.token}` },
        body: new ReadableStream({
          async start(controller) {
            controller.enqueue(raw.slice(0, 100));
            await rest.promise;
            controller.enqueue(raw.slice(100));
            controller.close();
          },
        }),
      });
    const both = [slowly(), slowly()];
    const refused = await Promise.race(both);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    expect((await give(world(), "minh", bytes)).status).toBe(200);
    rest.resolve();
    expect((await Promise.all(both)).map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      200, 429,
    ]);
    expect((await give(world(), "lan", bytes)).status).toBe(200);
  });

  test("is one file, and nothing else", async () => {
    const { send } = world();
    const none = await send("lan", "POST", "/api/users/avatar", form({ field: "file", value: "x" }));
    expect([none.status, none.json.errors[0].field]).toEqual([422, "file"]);
    const other = form(
      { field: "user_id", value: "x" },
      { field: "file", name: "a.png", bytes: await picture("png") },
    );
    const refused = await send("lan", "POST", "/api/users/avatar", other);
    expect([refused.status, refused.json.errors[0]]).toMatchObject([
      422,
      { field: "user_id", code: "unknown_field" },
    ]);
  });
});
