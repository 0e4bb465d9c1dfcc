import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import { compareAtOnce, password } from "../support/people";
import { inWorld, type Answer, type World } from "../support/scenario";

// Time stands still, so that no waiting is over before it was looked at.
beforeEach(() => void spyOn(performance, "now").mockReturnValue(performance.now()));
afterEach(() => spyOn(performance, "now").mockRestore());

const proxied = { NEOCRM_SERVER_TRUSTED_PROXIES: "127.0.0.1/32" };
const attacker = "203.0.113.9";
const owner = "198.51.100.7";
const wrong = "not the password at all";

const once = async ({ server }: World) => compareAtOnce(server);

function login(world: World, email: string, secret: string, from?: string): Promise<Answer> {
  const headers: Record<string, string> = from === undefined ? {} : { "x-forwarded-for": from };
  return world.send("nobody", "POST", "/api/auth/login", { body: { email, password: secret }, headers });
}

async function statuses(times: number, ask: () => Promise<Answer>): Promise<number[]> {
  const seen = [];
  for (let i = 0; i < times; i++) seen.push((await ask()).status);
  return seen;
}

inWorld("guessing a password", { env: proxied, once }, (world) => {
  test("is slowed down where it comes from, while the owner signs in from elsewhere", async () => {
    const lan = "lan@cast.example";
    const tried = await statuses(7, () => login(world(), lan, wrong, attacker));
    expect(tried).toEqual([401, 401, 401, 401, 401, 429, 429]);
    const refused = await login(world(), lan.toUpperCase(), password, attacker);
    expect(refused.json).toMatchObject({ status: 429, code: "too_many_failures" });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await login(world(), lan, password, owner)).status).toBe(200);
    expect((await login(world(), lan, password, attacker)).status).toBe(429);
    expect((await login(world(), "minh@cast.example", password, attacker)).status).toBe(200);
  });

  test("looks the same for an account that does not exist", async () => {
    const tried = await statuses(6, () => login(world(), "who@cast.example", wrong, attacker));
    expect(tried).toEqual([401, 401, 401, 401, 401, 429]);
  });

  test("at once gets no more tries than one after the other", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => login(world(), "stranger@cast.example", wrong, attacker)),
    );
    expect(answers.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(5);
    expect((await login(world(), "stranger@cast.example", password, owner)).status).toBe(200);
  });

  test("of the present password by whoever holds a session is slowed down too", async () => {
    const headers = { "x-forwarded-for": "192.0.2.44" };
    const body = { current_password: wrong, new_password: "a fresh and good password" };
    const change = () => world().send("manager", "POST", "/api/users/password", { body, headers });
    expect(await statuses(6, change)).toEqual([422, 422, 422, 422, 422, 429]);
    expect((await login(world(), "manager@cast.example", password, owner)).status).toBe(200);
  });

  test("a right password ends the counting", async () => {
    const from = "192.0.2.1";
    for (let round = 0; round < 3; round++) {
      const tried = await statuses(4, () => login(world(), "minh@cast.example", wrong, from));
      expect(tried).toEqual([401, 401, 401, 401]);
      expect((await login(world(), "minh@cast.example", password, from)).status).toBe(200);
    }
  });
});

inWorld("an address that the caller made up", { once }, (world) => {
  test("gives no fresh tries where no proxy is trusted", async () => {
    let host = 0;
    const tried = await statuses(6, () => login(world(), "lan@cast.example", wrong, `203.0.113.${++host}`));
    expect(tried).toEqual([401, 401, 401, 401, 401, 429]);
  });
});

inWorld(
  "attempts a minute",
  { env: { ...proxied, RATE_LIMIT_AUTH: "3", NEOCRM_AUTH_REGISTRATION: "open" }, once },
  (world) => {
    test("are counted for each pair of address and account", async () => {
      const lan = "lan@cast.example";
      const first = await login(world(), lan, password, attacker);
      expect(first.headers.get("ratelimit-policy")).toBe('"auth";q=3;w=60');
      expect(first.headers.get("ratelimit")).toMatch(/^"auth";r=2;t=\d+$/);
      expect((await login(world(), "Lan@Cast.example", password, attacker)).status).toBe(200);
      expect((await login(world(), "LAN@CAST.EXAMPLE", password, attacker)).status).toBe(200);
      const fourth = await login(world(), lan, password, attacker);
      expect(fourth.json).toMatchObject({ status: 429, code: "rate_limited" });
      expect((await login(world(), lan, password, owner)).status).toBe(200);
      expect((await login(world(), "minh@cast.example", password, attacker)).status).toBe(200);
    });

    test("are shared by one IPv6 network", async () => {
      let host = 0;
      const tried = await statuses(4, () =>
        login(world(), "minh@cast.example", password, `2001:db8::${++host}`),
      );
      expect(tried).toEqual([200, 200, 200, 429]);
      expect((await login(world(), "minh@cast.example", password, "2001:db8:0:1::1")).status).toBe(200);
    });

    test.each([
      ["register", { email: "x@new.example", password: "short", full_name: "X" }],
      ["setup", { email: "x@new.example", password, full_name: "X", code: "0000" }],
    ])("hold for %s", async (name, body) => {
      const headers = { "x-forwarded-for": attacker };
      const tried = await statuses(5, () =>
        world().send("nobody", "POST", `/api/auth/${name}`, { body, headers }),
      );
      expect(tried.slice(0, 3)).not.toContain(429);
      expect(tried.slice(3)).toEqual([429, 429]);
    });

    test("hold for changing a password, for each person", async () => {
      const body = { current_password: password, new_password: "short" };
      const change = (name: "lan" | "minh") => () =>
        world().send(name, "POST", "/api/users/password", { body });
      expect(await statuses(4, change("lan"))).toEqual([422, 422, 422, 429]);
      expect(await statuses(1, change("minh"))).toEqual([422]);
    });
  },
);

const narrow = { NEOCRM_AUTH_PASSWORD_CONCURRENCY: "1", NEOCRM_AUTH_PASSWORD_QUEUE: "1" };

inWorld("more passwords than may wait", { env: narrow }, (world) => {
  test("are answered 503 with Retry-After, and count as no failure", async () => {
    const rush = () =>
      Promise.all(Array.from({ length: 8 }, () => login(world(), "lan@cast.example", password)));
    for (let round = 0; round < 2; round++) {
      const answers = await rush();
      const shed = answers.filter(({ status }) => status === 503);
      const served = answers.filter(({ status }) => status === 200);
      // The throttle lets five try at once; one is compared, one waits, and the others are turned away.
      expect(shed.length).toBeGreaterThan(0);
      expect(served.length).toBeGreaterThan(0);
      for (const { json } of shed) expect(json).toMatchObject({ code: "busy" });
    }
    expect((await login(world(), "lan@cast.example", password)).status).toBe(200);
    expect(world().server.parts.hasher.running).toBe(0);
  });
});
