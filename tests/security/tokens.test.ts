import { describe, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { newPerson, statusOfToken } from "../support/accounts";
import { addPerson, signIn } from "../support/people";
import { newInstallation } from "../support/restart";
import { inWorld, newWorld, type World } from "../support/scenario";
import { engines, type TestServer } from "../support/servers";
import { expiredToken, forge, partOf, type TokenClaims } from "../support/tokens";
import type { People } from "../support/people";

const secret = "the secret that signs the tokens of this test";
const otherSecret = "another secret, as long, that somebody else has";

inWorld("an access token", { env: { JWT_SECRET: secret } }, (world) => {
  const good = () => world().people.lan.token;
  const header = (change: Record<string, unknown> = {}) => ({ ...partOf(good(), 0), ...change });
  const claims = (change: TokenClaims = {}) => ({ ...partOf(good(), 1), ...change });
  const admin = () => ({ sub: world().people.admin.id });

  async function expectRefused(token: string, code = "invalid_token") {
    const answer = await world().send({ token }, "GET", "/api/users/me");
    expect([answer.status, answer.json.code]).toEqual([401, code]);
    expect(answer.headers.get("www-authenticate")).toStartWith("Bearer");
    expect(answer.text).not.toContain(token.slice(0, 40));
  }

  test("names its key and tells little", () => {
    expect(header()).toEqual({ alg: "HS256", typ: "JWT", kid: expect.stringMatching(/^[\w-]{12}$/) });
    expect(Object.keys(claims()).toSorted()).toEqual(["av", "exp", "iat", "iss", "sid", "sub"]);
    const { exp, iat } = claims() as { exp: number; iat: number };
    expect(exp - iat).toBe(15 * 60);
    expect(secret).not.toContain(String(header().kid));
  });

  test("that is made like one of ours is taken: what follows is refused for what it changes", async () => {
    expect(await statusOfToken(world(), forge(header(), claims(), secret))).toBe(200);
  });

  test.each<[string, () => string]>([
    ["with another user's id", () => replaced(good(), 1, claims(admin()))],
    ["with a longer life", () => replaced(good(), 1, claims({ exp: 9_999_999_999 }))],
    ["with another header", () => replaced(good(), 0, header({ typ: "at+jwt" }))],
    ["with another signature", () => good().replace(/\.[^.]+$/, `.${"A".repeat(43)}`)],
    ["without a signature", () => good().replace(/[^.]+$/, "")],
    ["without a part", () => good().replace(/\.[^.]+$/, "")],
    ["with a part more", () => `${good()}.x`],
    ["alg none", () => forge(header({ alg: "none" }), claims(admin()), null)],
    ["alg None, and signed", () => forge(header({ alg: "None" }), claims(), secret)],
    ["HS512", () => forge(header({ alg: "HS512" }), claims(), secret, "sha512")],
    ["RS256", () => forge(header({ alg: "RS256" }), claims(), secret)],
    ["no alg", () => forge(header({ alg: undefined }), claims(), secret)],
    ["a critical extension", () => forge(header({ crit: ["x"], x: 1 }), claims(), secret)],
    ["an empty secret", () => forge(header(), claims(), "")],
    ["another key under our key's id", () => forge(header(), claims(admin()), otherSecret)],
    ["an unknown key id", () => forge(header({ kid: "AAAAAAAAAAAA" }), claims(), secret)],
    ["no key id", () => forge(header({ kid: undefined }), claims(), secret)],
    ["a key id that is no text", () => forge(header({ kid: ["x"] }), claims(), secret)],
    ["a key id that names a property", () => forge(header({ kid: "__proto__" }), claims(), secret)],
    ["another issuer", () => forge(header(), claims({ iss: "other" }), secret)],
    ["no issuer", () => forge(header(), claims({ iss: undefined }), secret)],
    ["no user", () => forge(header(), claims({ sub: undefined }), secret)],
    ["no session", () => forge(header(), claims({ sid: undefined }), secret)],
    ["no version", () => forge(header(), claims({ av: undefined }), secret)],
    ["no end", () => forge(header(), claims({ exp: undefined }), secret)],
    ["an end that is no number", () => forge(header(), claims({ exp: "9999999999" }), secret)],
    ["not yet", () => forge(header(), claims({ nbf: 9_999_999_999 }), secret)],
    ["an old version", () => forge(header(), claims({ av: 0 }), secret)],
    ["a version to come", () => forge(header(), claims({ av: 2 }), secret)],
    ["another user in the same session", () => forge(header(), claims(admin()), secret)],
    ["a session that never was", () => forge(header(), claims({ sid: nowhere }), secret)],
    ["a session that is no id", () => forge(header(), claims({ sid: "x" }), secret)],
    ["claims that are no object", () => forge(header(), "x" as unknown as TokenClaims, secret)],
    ["not a token", () => "eyJ"],
    ["dots", () => "..."],
    ["a header that is no JSON", () => `${Buffer.from("{").toString("base64url")}.x.x`],
    ["a header that is null", () => forge(null as unknown as Record<string, unknown>, claims(), secret)],
    ["very long", () => `${good()}${"x".repeat(8_000)}`],
  ])("is refused: %s", (_, token) => expectRefused(token()));

  test("is refused when it has expired", async () => {
    const { sub, sid } = claims() as { sub: string; sid: string };
    await expectRefused(await expiredToken(secret, sub, sid));
  });

  test("dies with the row of its session", async () => {
    const { id, token } = await newPerson(world(), "rita");
    await world().server.parts.store.tx(async ({ q, t }) => {
      await q.delete(t.sessions).where(sql`${t.sessions.user_id} = ${id}`);
    });
    await expectRefused(token);
  });

  test("of somebody who signed out, or whose account is closed, is refused", async () => {
    await expectRefused(world().people.gone.token);
    await expectRefused(world().people.off.token);
  });

  test.each<[string, (token: string) => string]>([
    ["no scheme", (token) => token],
    ["another scheme", (token) => `Basic ${token}`],
    ["a token too many", (token) => `Bearer ${token} ${token}`],
    ["a list", (token) => `Bearer ${token}, Bearer ${token}`],
    ["quotes", (token) => `Bearer "${token}"`],
    ["a parameter", (token) => `Bearer token=${token};`],
    ["no blank", (token) => `Bearer${token}`],
    ["nothing", () => "Bearer"],
    ["a blank", () => "Bearer "],
    ["a null", () => "Bearer null"],
  ])("is not found in a header with %s", async (_, header) => {
    const answer = await world().send("nobody", "GET", "/api/users/me", {
      headers: { authorization: header(good()) },
    });
    expect([answer.status, answer.json.code]).toEqual([401, "invalid_token"]);
    expect(answer.text).not.toContain(good().slice(0, 40));
  });

  test.each(["bearer", "BEARER", "Bearer  "])("is found behind %s", async (scheme) => {
    const headers = { authorization: `${scheme} ${good()}` };
    expect((await world().send("nobody", "GET", "/api/users/me", { headers })).status).toBe(200);
  });

  test("is not taken from anywhere else", async () => {
    for (const path of [`/api/users/me?access_token=${good()}`, `/api/users/me?ticket=${good()}`]) {
      expect((await world().send("nobody", "GET", path)).status).toBe(401);
    }
    const cookie = `token=${good()}; access_token=${good()}`;
    expect((await world().send("nobody", "GET", "/api/users/me", { headers: { cookie } })).status).toBe(401);
  });
});

const nowhere = "00000000-0000-7000-8000-000000000000";

function replaced(token: string, part: 0 | 1, value: unknown): string {
  const parts = token.split(".");
  parts[part] = Buffer.from(JSON.stringify(value)).toString("base64url");
  return parts.join(".");
}

describe.each(engines)("the secret changes [%s]", (engine) => {
  test("while people work, as long as the old one is known", async () => {
    const place = await newInstallation(engine);
    const on = async (env: Record<string, string>, work: (world: World, server: TestServer) => unknown) => {
      const server = await place.start(env);
      await work(newWorld(server, {} as People), server);
      await server.stop();
    };
    let old = "";
    let renewed = "";
    let refreshToken = "";
    await on({ JWT_SECRET: otherSecret }, async (_, server) => {
      await addPerson(server, "rita@new.example", "user");
      ({ token: old, refreshToken } = await signIn(server, "rita@new.example"));
    });
    await on({ JWT_SECRET: secret, JWT_SECRET_PREVIOUS: otherSecret }, async (world) => {
      expect(await statusOfToken(world, old)).toBe(200);
      const body = { refresh_token: refreshToken };
      const { json } = await world.send("nobody", "POST", "/api/auth/refresh", { body });
      renewed = json.access_token;
      expect(partOf(renewed, 0).kid).not.toBe(partOf(old, 0).kid);
      expect(await statusOfToken(world, renewed)).toBe(200);
      expect(await statusOfToken(world, forge(partOf(renewed, 0), partOf(old, 1), otherSecret))).toBe(401);
    });
    await on({ JWT_SECRET: secret }, async (world) => {
      expect(await statusOfToken(world, old)).toBe(401);
      expect(await statusOfToken(world, renewed)).toBe(200);
    });
    place.remove();
  });
});
