import { describe, expect, test } from "bun:test";
import { sealWith } from "../../../src/http/seal";

const oldSecret = "the secret that was in use until today";
const newSecret = "the secret that is in use from today on";
const text = '{"access_token":"ey…"}';

describe("a sealed answer", () => {
  test("opens with its own secret, and shows nothing of what it holds", () => {
    const sealed = sealWith(oldSecret).close(text);
    expect(sealed).not.toContain("token");
    expect(sealWith(oldSecret).open(sealed)).toBe(text);
  });

  test("is another text each time", () => {
    const seal = sealWith(oldSecret);
    expect(seal.close(text)).not.toBe(seal.close(text));
  });

  test("opens after the secret was changed, as long as the previous one is known", () => {
    const sealed = sealWith(oldSecret).close(text);
    expect(sealWith(newSecret, oldSecret).open(sealed)).toBe(text);
    expect(() => sealWith(newSecret).open(sealed)).toThrow();
  });

  test("is closed with the new secret once there is one", () => {
    const sealed = sealWith(newSecret, oldSecret).close(text);
    expect(sealWith(newSecret).open(sealed)).toBe(text);
  });

  test("is recognised by its digest, and one made with a forgotten secret is not taken for another text's", () => {
    const digest = sealWith(oldSecret).digest(text);
    expect(sealWith(oldSecret).digest(text)).toBe(digest);
    const secrets = [sealWith(oldSecret), sealWith(newSecret, oldSecret), sealWith(newSecret)];
    expect(secrets.map((seal) => seal.recognises(digest, text))).toEqual([true, true, undefined]);
    expect(secrets.map((seal) => seal.recognises(digest, "x"))).toEqual([false, false, undefined]);
  });

  test("does not open when a bit of it was changed", () => {
    const bytes = Buffer.from(sealWith(oldSecret).close(text), "base64url");
    for (const place of [0, 14, bytes.length - 1]) {
      const changed = Buffer.from(bytes);
      changed[place]! ^= 1;
      expect(() => sealWith(oldSecret).open(changed.toString("base64url"))).toThrow();
    }
  });
});
