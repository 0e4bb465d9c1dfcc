/** Files of a server that keeps them in a bucket: what it does on a disk, it does there. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { blobByHash } from "../../src/features/files/blob-store";
import { form, oneFile, sha256, upload } from "../support/files";
import { bringPeople } from "../support/people";
import { startS3, type S3Service } from "../support/s3";
import { newWorld, type World } from "../support/scenario";
import { engines, startTestServer, type TestServer } from "../support/servers";

describe.each(engines)("files in a bucket [%s]", (engine) => {
  let service: S3Service;
  let server: TestServer;
  let world: World;
  beforeAll(async () => {
    service = await startS3();
    server = await startTestServer(engine, { ...service.env, MAX_FILE_SIZE: "20MiB" });
    world = newWorld(server, await bringPeople(server));
  }, 60_000);
  afterAll(async () => {
    await server?.stop();
    await service?.stop();
  });

  const kept = async () => (await Array.fromAsync(new Bun.Glob("**/*object").scan(service.folder))).length;

  test("come in, are read in part, and are kept once", async () => {
    const bytes = "0123456789".repeat(1_200_000);
    const { id, checksum } = await upload(world, "lan", "digits.txt", bytes);
    expect(checksum).toBe(sha256(bytes));
    await upload(world, "minh", "same.txt", bytes);
    expect(await kept()).toBe(1);
    const part = await world.send("lan", "GET", `/api/files/${id}/download`, {
      headers: { range: "bytes=11999995-" },
    });
    expect([part.status, part.text, part.headers.get("content-range")]).toEqual([
      ...[206, "56789", "bytes 11999995-11999999/12000000"],
    ]);
    const whole = await world.send("lan", "GET", `/api/files/${id}/download`);
    expect(sha256(whole.text)).toBe(checksum);
    const head = await world.send("lan", "HEAD", `/api/files/${id}/download`);
    expect(head.headers.get("content-length")).toBe("12000000");
  });

  test("say how long they are: in the answer to HEAD and in their parts, and where they are short, with their bytes", async () => {
    const { id } = await upload(world, "lan", "mebibyte.txt", "0123456789abcdef".repeat(65_536));
    const path = `/api/files/${id}/download`;
    const lengthOf = async (method: string, range?: string) => {
      const { status, text, headers } = await world.send("lan", method, path, {
        headers: range === undefined ? {} : { range },
      });
      return [status, headers.get("content-length"), headers.get("content-range"), text.length];
    };
    expect(await lengthOf("HEAD")).toEqual([200, "1048576", null, 0]);
    expect(await lengthOf("GET")).toEqual([200, "1048576", null, 1_048_576]);
    expect(await lengthOf("HEAD", "bytes=16-31")).toEqual([200, "1048576", null, 0]);
    expect(await lengthOf("GET", "bytes=16-31")).toEqual([206, "16", "bytes 16-31/1048576", 16]);
    expect(await lengthOf("GET", "bytes=-1")).toEqual([206, "1", "bytes 1048575-1048575/1048576", 1]);
    const longer = await upload(world, "lan", "longer.txt", "x".repeat(3_000_000));
    const whole = await world.send("lan", "GET", `/api/files/${longer.id}/download`);
    expect([whole.status, sha256(whole.text)]).toEqual([200, longer.checksum]);
    const { headers } = await world.send("lan", "HEAD", `/api/files/${longer.id}/download`);
    expect(headers.get("content-length")).toBe("3000000");
  });

  test("that are too large, refused or cut off leave nothing there", async () => {
    const before = await kept();
    const { raw, headers } = oneFile("a.bin", "x".repeat(21 * 2 ** 20));
    expect((await world.send("lan", "POST", "/api/files/upload", { raw, headers })).status).toBe(413);
    const cut = { raw: raw.slice(0, 12_000_000), headers: form().headers };
    expect((await world.send("lan", "POST", "/api/files/upload", cut)).status).toBe(400);
    expect(await kept()).toBe(before);
  });

  test("are removed with their last row, verified and swept", async () => {
    const { keeper, purge } = server.parts;
    await keeper.sweep(-1);
    const before = await kept();
    const { id } = await upload(world, "lan", "short.txt", "short");
    await world.send("lan", "DELETE", `/api/files/${id}`);
    await purge({ records: -1 });
    expect(await keeper.sweep(-2_000)).toBe(1);
    expect(await kept()).toBe(before);
    expect(await keeper.verify()).toMatchObject({ blobs: before, missing: [], damaged: [] });
  });

  test("that the bucket lost are back when somebody uploads them again", async () => {
    const { id } = await upload(world, "lan", "lost.txt", "lost");
    const { store, keeper } = server.parts;
    const row = (await blobByHash.first(store.read, { hash: sha256("lost") }))!;
    await keeper.discard(row.key);
    expect((await world.send("lan", "GET", `/api/files/${id}/download`)).status).toBe(500);
    await upload(world, "minh", "again.txt", "lost");
    expect((await world.send("lan", "GET", `/api/files/${id}/download`)).text).toBe("lost");
    expect((await keeper.verify()).missing).toEqual([]);
  });

  test("are not to be had, and not to be kept, while the service is away", async () => {
    const { id } = await upload(world, "lan", "away.txt", "away");
    await service.stop();
    const { status, json } = await world.send("lan", "POST", "/api/files/upload", oneFile("b.txt", "b"));
    expect([status, json.code]).toEqual([503, "busy"]);
    expect((await world.send("lan", "GET", `/api/files/${id}/download`)).status).toBe(503);
    expect((await world.send("lan", "GET", `/api/files/${id}`)).status).toBe(200);
  });
});
