/** What the server asks of where the bytes of files are kept, the same of a disk and of a bucket. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Blobs, ListedBlob } from "../../../src/integrations/blobs/blobs";
import { diskBlobs } from "../../../src/integrations/blobs/disk";
import { s3Blobs } from "../../../src/integrations/blobs/s3";
import { inMemory } from "../../support/in-memory";
import { startS3, type S3Service } from "../../support/s3";
import { unprivileged } from "../../support/unprivileged";

const text = new TextEncoder();

async function* chunks(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield typeof part === "string" ? text.encode(part) : part;
}

async function listed(blobs: Blobs): Promise<ListedBlob[]> {
  return Array.fromAsync(blobs.list());
}

const keysOf = async (blobs: Blobs) => (await listed(blobs)).map(({ key }) => key).toSorted();

/** The text of what is kept, or `undefined`. */
async function textOf(blobs: Blobs, key: string, part?: { first: number; last: number }) {
  const body = await blobs.read(key, part);
  return body && new Response(body).text();
}

let service: S3Service;
const stores: Record<string, { open(): Blobs; close?(): void }> = {
  disk: (() => {
    const folder = mkdtempSync(join(inMemory, "neocrm-blobs-"));
    return {
      open: () => diskBlobs(join(folder, "blobs")),
      close: () => rmSync(folder, { recursive: true, force: true }),
    };
  })(),
  s3: { open: () => s3Blobs(service.options) },
};

beforeAll(async () => void (service = await startS3()));
afterAll(() => service.stop());

describe.each(Object.keys(stores))("blobs [%s]", (name) => {
  let blobs: Blobs;
  beforeAll(() => void (blobs = stores[name]!.open()));
  afterAll(() => stores[name]!.close?.());

  test("nothing is listed of a store that nothing was put into", async () => {
    expect(await listed(blobs)).toEqual([]);
  });

  test("what was put is read again, whole and in part", async () => {
    const before = Date.now();
    const { key, size, hash } = await blobs.put(chunks("Hello, ", "wor", "ld"));
    expect({ size, hash }).toEqual({
      size: 12,
      hash: new Bun.CryptoHasher("sha256").update("Hello, world").digest("hex"),
    });
    expect(await textOf(blobs, key)).toBe("Hello, world");
    expect(await textOf(blobs, key, { first: 7, last: 11 })).toBe("world");
    expect(await textOf(blobs, key, { first: 0, last: 1 })).toBe("He");
    // Not the first byte alone: the service of the tests gives all of them then.
    expect(await textOf(blobs, key, { first: 11, last: 11 })).toBe("d");
    const found = (await listed(blobs)).find((each) => each.key === key);
    // A disk's clock ticks more slowly, a bucket's has no milliseconds.
    expect(found!.storedAt).toBeGreaterThanOrEqual(before - 2_000);
    expect(found!.storedAt).toBeLessThanOrEqual(Date.now() + 2_000);
  });

  test("the same bytes get a key of their own each time", async () => {
    const [one, other] = [await blobs.put(chunks("twice")), await blobs.put(chunks("twice"))];
    expect(one.hash).toBe(other.hash);
    expect(one.key).not.toBe(other.key);
    await blobs.remove(one.key);
    expect(await textOf(blobs, one.key)).toBeUndefined();
    expect(await textOf(blobs, other.key)).toBe("twice");
  });

  test("no bytes are bytes too", async () => {
    const { key, size } = await blobs.put(chunks());
    expect(size).toBe(0);
    expect(await textOf(blobs, key)).toBe("");
  });

  test("12 MB in odd pieces come back as they were", async () => {
    const piece = new Uint8Array(100_003).map((_, i) => (i * 31) % 251);
    const { key, size, hash } = await blobs.put(chunks(...Array.from({ length: 120 }, () => piece)));
    expect(size).toBe(120 * piece.length);
    const hasher = new Bun.CryptoHasher("sha256");
    for await (const chunk of new Response(await blobs.read(key)).body!) hasher.update(chunk);
    expect(hasher.digest("hex")).toBe(hash);
  });

  test("twenty at once do not get into each other's way", async () => {
    const put = await Promise.all(
      Array.from({ length: 20 }, (_, i) => blobs.put(chunks(`${i} `.repeat(1_000)))),
    );
    expect(new Set(put.map(({ key }) => key)).size).toBe(20);
    for (const [i, { key }] of put.entries()) expect(await textOf(blobs, key)).toBe(`${i} `.repeat(1_000));
  });

  test("nothing is left of what broke off", async () => {
    const before = await keysOf(blobs);
    const breaking = async function* () {
      yield new Uint8Array(6_000_000);
      yield new Uint8Array(6_000_000);
      throw new Error("the caller went away");
    };
    expect(blobs.put(breaking())).rejects.toThrow("the caller went away");
    await Bun.sleep(50);
    expect(await keysOf(blobs)).toEqual(before);
  });

  test("what is removed twice is gone as well", async () => {
    const { key } = await blobs.put(chunks("once"));
    await blobs.remove(key);
    await blobs.remove(key);
    expect(await keysOf(blobs)).not.toContain(key);
  });
});

describe("blobs on disk", () => {
  test("a key leads to nowhere else", async () => {
    const blobs = diskBlobs(join(inMemory, "neocrm-never"));
    for (const key of ["../etc/passwd", "ab/../../x", "/etc/passwd", "ab/x/y", "", "ab"])
      expect(async () => blobs.read(key)).toThrow("no key of a blob");
  });

  test("what does not belong there is not listed", async () => {
    const folder = mkdtempSync(join(inMemory, "neocrm-blobs-"));
    const blobs = diskBlobs(folder);
    const { key } = await blobs.put(chunks("x"));
    await Bun.write(join(folder, "lost+found/x"), "x");
    await Bun.write(join(folder, "readme.txt"), "x");
    expect(await keysOf(blobs)).toEqual([key]);
    rmSync(folder, { recursive: true });
  });

  test("a folder that cannot be written is no room to be had right now", () => {
    const place = join(import.meta.dir, "../../../src/integrations/blobs/disk.ts");
    const out = unprivileged(
      `const { diskBlobs } = await import(${JSON.stringify(place)});`,
      `const one = async function* () { yield new Uint8Array(1); };
       await diskBlobs("/root-of-nobody").put(one()).catch((e) => console.log(e.name, e.kind));`,
    );
    expect(out.trim()).toBe("BlobError unavailable");
    expect(readdirSync("/")).not.toContain("root-of-nobody");
  });
});
