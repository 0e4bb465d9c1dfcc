import { describe, expect, test } from "bun:test";
import { dictionary } from "@zxcvbn-ts/language-common";
import { passwordHasher, passwordProblem, PasswordQueueFull } from "../../../src/features/auth/passwords";
import { randomNumbers } from "../integrations/random";

const hasher = () => passwordHasher({ concurrency: 1, queue: 10 });

describe("passwordHasher", () => {
  test("writes its parameters into the hash and recognises the password", async () => {
    const hash = await hasher().hash("correct horse");
    expect(hash).toStartWith("$argon2id$v=19$m=19456,t=2,p=1$");
    expect(await hasher().verify("correct horse", hash)).toEqual({ ok: true, outdated: false });
    expect(await hasher().verify("correct Horse", hash)).toEqual({ ok: false, outdated: false });
    expect(await hasher().hash("correct horse")).not.toBe(hash);
  });

  test("one password typed as composed or decomposed characters is the same", async () => {
    const hash = await hasher().hash("mật khẩu dài".normalize("NFC"));
    expect((await hasher().verify("mật khẩu dài".normalize("NFD"), hash)).ok).toBe(true);
  });

  test("computes so many at once and no more, and lets so many wait and no more", async () => {
    const hashes = passwordHasher({ concurrency: 2, queue: 3 });
    const work = Array.from({ length: 5 }, (_, i) => hashes.hash(`password ${i}`));
    expect([hashes.running, hashes.waiting]).toEqual([2, 3]);
    await expect(hashes.hash("one too many")).rejects.toBeInstanceOf(PasswordQueueFull);
    await expect(hashes.verify("one too many", null)).rejects.toBeInstanceOf(PasswordQueueFull);
    let most = 0;
    await Promise.all(work.map((each) => each.then(() => (most = Math.max(most, hashes.running)))));
    expect(most).toBeLessThanOrEqual(2);
    expect([hashes.running, hashes.waiting]).toEqual([0, 0]);
  });

  test("a failure gives its turn back", async () => {
    const hashes = passwordHasher({ concurrency: 1, queue: 1 });
    await expect(hashes.hash("")).rejects.toThrow();
    expect(hashes.running).toBe(0);
    expect(await hashes.hash("correct horse")).toBeString();
  });

  test("an unknown account costs a comparison as well", async () => {
    const hashes = hasher();
    const verdict = hashes.verify("correct horse", null);
    expect(hashes.running).toBe(1);
    expect(await verdict).toEqual({ ok: false, outdated: false });
  });

  test.each(["", "!", "plain text", "$argon2id$v=19$m=19456,t=2,p=1$$", "$2b$10$short"])(
    "a stored %j opens nothing and is no error",
    async (stored) => {
      const hashes = hasher();
      const verdict = hashes.verify("plain text", stored);
      expect(hashes.running).toBe(1);
      expect(await verdict).toEqual({ ok: false, outdated: false });
    },
  );

  test.each([
    ["less memory", { algorithm: "argon2id", memoryCost: 8_192, timeCost: 2 }],
    ["more passes", { algorithm: "argon2id", memoryCost: 19_456, timeCost: 3 }],
    ["another variant", { algorithm: "argon2i", memoryCost: 19_456, timeCost: 2 }],
    ["bcrypt", { algorithm: "bcrypt", cost: 4 }],
  ] as const)("a hash with %s still opens and is outdated", async (_name, parameters) => {
    const stored = await Bun.password.hash("correct horse", parameters);
    expect(await hasher().verify("correct horse", stored)).toEqual({ ok: true, outdated: true });
    expect((await hasher().verify("wrong horse", stored)).ok).toBe(false);
  });

  test("0 leaves a core to the requests", () => {
    const hashes = passwordHasher({ concurrency: 0, queue: 100 });
    const work = Array.from({ length: 3 }, () => hashes.hash("correct horse"));
    expect(hashes.running).toBeGreaterThanOrEqual(1);
    return Promise.all(work);
  });
});

describe("passwordProblem", () => {
  test.each([
    ["", "too_short"],
    ["123456789", "too_short"],
    ["😀".repeat(9), "too_short"],
    ["😀".repeat(10), null],
    ["1234567890", "too_common"],
    ["qwertyuiop", "too_common"],
    ["password123", "too_common"],
    ["PassWord123", "too_common"],
    ["ｐａｓｓｗｏｒｄ１２３", "too_common"],
    ["correct horse battery", null],
    ["          ", null],
    ["x".repeat(1_024), null],
    ["x".repeat(1_025), "too_long"],
    ["é".repeat(512), null],
    ["é".repeat(513), "too_long"],
  ])("%j", (password, code) => {
    expect(passwordProblem(password)?.code ?? null).toBe(code as ReturnType<typeof String> | null as never);
  });

  test("property: random text of ten or more characters passes", () => {
    const random = randomNumbers(20_260_102);
    const letters = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 !?-_äßあ漢😀"];
    for (let round = 0; round < 2_000; round++) {
      const length = 10 + Math.floor(random() * 60);
      const text = Array.from({ length }, () => letters[Math.floor(random() * letters.length)]).join("");
      expect([text, passwordProblem(text)]).toEqual([text, null]);
    }
  });

  test("the list is the source's first 10,000, and what is long enough of it is refused", async () => {
    const file = new URL("../../../src/features/auth/common-passwords.txt", import.meta.url);
    const listed = (await Bun.file(file).text()).trimEnd().split("\n");
    expect(listed).toEqual(dictionary["passwords-common"].slice(0, 10_000));
    const long = listed.filter((each) => each.length >= 10);
    expect(long.length).toBeGreaterThan(100);
    for (const each of long) expect(passwordProblem(each)?.code).toBe("too_common");
  });
});
