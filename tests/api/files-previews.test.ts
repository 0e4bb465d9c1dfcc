/** Pictures of files: made once, small, without what the camera wrote, and for nobody who does not see the file. */
import { Glob } from "bun";
import { expect, test } from "bun:test";
import { pixelBomb, photo, picture } from "../support/documents";
import { pictured, upload } from "../support/files";
import { idle } from "../support/jobs";
import { inWorld, type By, type World } from "../support/scenario";

/** The picture once it is made, or the refusal. */
async function seen(world: World, by: By, path: string) {
  await pictured(world, by, named(path, world).split("/").at(-1)!.split("?")[0]!);
  await idle(world);
  return { ...(await world.send(by, "GET", path)), bytes: await bytesOf(world, by, path) };
}

const named = (path: string, { ids }: World) => path.replace(/\$(\w+)/, (_, name: string) => ids[name]!);

async function bytesOf(world: World, by: By, path: string) {
  const { server, people } = world;
  const { token } = people[by as "lan"];
  return (
    await fetch(server.url + named(path, world), { headers: { authorization: `Bearer ${token}` } })
  ).bytes();
}

inWorld("a picture of a file", { clients: { acme: { assigned_to: "$minh" } } }, (world) => {
  test("is upright, small, in WebP, and has an ETag", async () => {
    await upload(world(), "lan", "photo.jpg", await photo(1_600, 800));
    for (const [size, width, height] of [
      ["?size=small", 80, 160],
      ["", 240, 480],
      ["?size=large", 640, 1_280],
    ] as const) {
      const { status, headers, bytes } = await seen(world(), "lan", `/api/files/preview/$photo${size}`);
      expect(status).toBe(200);
      expect(headers.get("content-type")).toBe("image/webp");
      expect(headers.get("content-disposition")).toBe('inline; filename="photo.jpg.webp"');
      expect(headers.get("cache-control")).toBe("private, no-cache");
      expect(headers.get("cross-origin-resource-policy")).toBe("cross-origin");
      expect(headers.get("content-security-policy")).toContain("sandbox");
      expect(await new Bun.Image(bytes).metadata()).toEqual({ width, height, format: "webp" });
      expect(Buffer.from(bytes).toString("latin1")).not.toMatch(/Exif|Nordlys/);
      const etag = headers.get("etag")!;
      const again = await world().send("lan", "GET", `/api/files/preview/$photo${size}`, {
        headers: { "if-none-match": etag },
      });
      expect([again.status, again.headers.get("etag"), again.text]).toEqual([304, etag, ""]);
    }
  });

  test("is reached without an Authorization header, by its own kind of ticket", async () => {
    const { send } = world();
    await upload(world(), "lan", "logo.png", await picture("png", 300, 300));
    const { status, json } = await send("lan", "GET", "/api/files/$logo/thumbnail-url");
    expect([status, json.expires_in]).toEqual([200, 900]);
    await seen(world(), "lan", "/api/files/preview/$logo");
    const shown = await fetch(json.download_url);
    expect([shown.status, (await new Bun.Image(await shown.bytes()).metadata()).width]).toEqual([200, 160]);
    const large = await send("lan", "GET", "/api/files/$logo/thumbnail-url?size=large");
    expect((await new Bun.Image(await (await fetch(large.json.download_url)).bytes()).metadata()).width).toBe(
      300,
    );
    const ticket = new URL(json.download_url).searchParams.get("ticket")!;
    const download = await send("nobody", "GET", `/api/files/$logo/download?ticket=${ticket}`);
    expect([download.status, download.json.code]).toEqual([401, "invalid_ticket"]);
    await send("lan", "DELETE", "/api/files/$logo");
    expect((await fetch(json.download_url)).status).toBe(410);
  });

  test("is gone with the file, and for whoever may not see it", async () => {
    const { send } = world();
    await upload(world(), "lan", "shared.png", await picture("png", 20, 20), { client_id: "$acme" });
    expect((await seen(world(), "minh", "/api/files/preview/$shared")).status).toBe(200);
    await upload(world(), "lan", "own.png", await picture("png", 20, 20));
    // The same bytes, and yet another file.
    expect((await send("minh", "GET", "/api/files/preview/$own")).status).toBe(404);
    expect((await send("minh", "GET", "/api/files/$own/thumbnail-url")).status).toBe(404);
    await send("lan", "DELETE", "/api/files/$shared");
    expect((await send("lan", "GET", "/api/files/preview/$shared?size=small")).status).toBe(410);
    expect((await send("stranger", "GET", "/api/files/preview/$shared")).status).toBe(404);
    expect((await send("lan", "GET", "/api/files/preview/$own")).status).toBe(200);
  });

  test.each([
    ["SVG, whatever it is called", "logo.png", '<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'],
    ["text", "a.txt", "text"],
    ["a bomb of pixels", "bomb.png", pixelBomb],
    ["half an image", "half.png", async () => (await picture("png", 50, 50)).slice(0, 70)],
  ] as const)("there is none of %s", async (_, name, made) => {
    await upload(world(), "lan", name, typeof made === "string" ? made : await made());
    const file = name.replace(/\..*/, "");
    const { status, json } = await seen(world(), "lan", `/api/files/preview/$${file}`);
    expect([status, json.code]).toEqual([404, "preview_unavailable"]);
    const link = await world().send("lan", "GET", `/api/files/$${file}/thumbnail-url`);
    expect([link.status, link.json.code]).toEqual([404, "preview_unavailable"]);
  });

  test("its size is one of three", async () => {
    await upload(world(), "lan", "photo.png", await picture("png"));
    const { status, json } = await world().send("lan", "GET", "/api/files/preview/$photo?size=huge");
    expect([status, json.code]).toEqual([400, "invalid_choice"]);
  });

  test("the sweep leaves it as long as the file is there, and takes it when the file is gone for good", async () => {
    const { parts, dataDir } = world().server;
    const kept = () => [...new Glob("blobs/*/*").scanSync(dataDir)].length;
    // A picture that is still being made for an earlier test would be swept only by the second sweep.
    await idle(world());
    await parts.keeper.sweep(0);
    const before = kept();
    await upload(world(), "lan", "swept.png", await picture("png", 200, 100));
    await seen(world(), "lan", "/api/files/preview/$swept");
    await parts.keeper.sweep(0);
    expect(kept()).toBe(before + 4);
    await world().send("lan", "POST", "/api/files/$swept/metadata", { body: {} });
    await seen(world(), "lan", "/api/files/preview/$swept");
    await world().send("lan", "DELETE", "/api/files/$swept");
    // What was deleted this very millisecond is not older than nothing.
    await Bun.sleep(2);
    await parts.purge({ records: 0 });
    await parts.keeper.sweep(0);
    expect(kept()).toBe(before);
  });
});
