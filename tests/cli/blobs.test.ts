/** `neocrm blobs` looks after the bytes of files, with a server and without. */
import { beforeAll, describe, expect, test } from "bun:test";
import { Glob } from "bun";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sha256, upload } from "../support/files";
import { bringPeople } from "../support/people";
import { postgres } from "../support/postgres";
import { newInstallation } from "../support/restart";
import { newWorld } from "../support/scenario";
import { engines } from "../support/servers";
import { neocrm } from "../support/terminal";

beforeAll(async () => void (await postgres()), 30_000);

describe.each(engines)("neocrm blobs [%s]", (engine) => {
  test("finds what is missing, damaged and nobody's", async () => {
    const place = await newInstallation(engine);
    const blobs = (word: string, ...more: string[]) => neocrm(["blobs", word, ...more], { env: place.env });
    const files = () => [...new Glob("??/*").scanSync(join(place.dataDir, "blobs"))];
    const fileOf = (text: string) =>
      join(
        place.dataDir,
        "blobs",
        files().find((name) => name.includes(sha256(text)))!,
      );
    try {
      const server = await place.start();
      const world = newWorld(server, await bringPeople(server));
      for (const text of ["one", "two", "three"]) await upload(world, "lan", `${text}.txt`, text);
      await upload(world, "minh", "again.txt", "one");
      expect(await blobs("verify")).toMatchObject({
        code: 0,
        out: "3 looked at, 11 bytes: all as they should be.",
      });

      writeFileSync(fileOf("two"), "twO");
      const three = readFileSync(fileOf("three"));
      const place3 = fileOf("three");
      rmSync(place3);
      const wrong = await blobs("verify");
      expect(wrong.code).toBe(1);
      expect(wrong.out.split("\n").toSorted()).toEqual(
        [
          `damaged: ${sha256("two")}`,
          `missing: ${sha256("three")}`,
          "3 looked at: 1 missing, 1 damaged. filter[checksum] finds their files.",
        ].toSorted(),
      );
      const found = await world.send("lan", "GET", `/api/files?filter[checksum]=${sha256("two")}`);
      expect(found.json.data.map(({ name }: { name: string }) => name)).toEqual(["two.txt"]);
      const gone = await world.send("lan", "GET", "/api/files/$three/download");
      expect([gone.status, gone.json.code]).toEqual([500, "internal_error"]);

      writeFileSync(fileOf("two"), "two");
      writeFileSync(place3, three);
      writeFileSync(join(place.dataDir, "blobs/incoming/01890a5d-ac96-774b-bcce-b302099a8057"), "half");
      expect((await blobs("sweep")).out).toBe("0 removed that no file has.");
      await server.stop();
      expect((await blobs("sweep", "--hours", "0")).out).toBe("1 removed that no file has.");
      expect((await blobs("verify")).code).toBe(0);
    } finally {
      place.remove();
    }
  }, 60_000);
});

test("neocrm blobs says what it wants", async () => {
  const wanted = "Say what to do: neocrm blobs verify, or neocrm blobs sweep.";
  for (const words of [[], ["mend"], ["verify", "all"]])
    expect(await neocrm(["blobs", ...words])).toMatchObject({ code: 2, err: wanted });
  expect(await neocrm(["blobs", "sweep", "--hours", "x"])).toMatchObject({ code: 2 });
  expect(await neocrm(["blobs", "verify", "--hours", "1"])).toMatchObject({ code: 2 });
});

test("a bucket without its keys stops the start", async () => {
  const place = await newInstallation("sqlite");
  const env = { S3_ENDPOINT: "http://127.0.0.1:1", S3_BUCKET: "files" };
  expect(place.start(env)).rejects.toThrow("s3.endpoint needs s3.access_key_id beside it");
  await Bun.sleep(0);
  place.remove();
});
