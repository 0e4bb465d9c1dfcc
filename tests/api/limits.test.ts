/** Rate limits: by address for whoever shows no credentials, by user for the others; health is free. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { addPerson, letIn } from "../support/people";
import { rawHttp } from "../support/raw-http";
import { engines, startTestServer, type TestServer } from "../support/servers";

interface Limited {
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** The statuses of this many requests, one after the other. */
  times(count: number, path: string, headers?: Record<string, string>): Promise<number[]>;
  server(): TestServer;
}

function limited(title: string, env: Record<string, string>, tests: (limited: Limited) => void): void {
  describe.each(engines)(`${title} [%s]`, (engine) => {
    let server: TestServer;
    beforeAll(async () => {
      server = await startTestServer(engine, env);
    });
    afterAll(() => server.stop());
    const get = (path: string, headers: Record<string, string> = {}) => fetch(server.url + path, { headers });
    tests({
      get,
      async times(count, path, headers) {
        const statuses = [];
        for (let i = 0; i < count; i++) statuses.push((await get(path, headers)).status);
        return statuses;
      },
      server: () => server,
    });
  });
}

const from = (address: string) => ({ "x-forwarded-for": address });

limited("an address without credentials", { RATE_LIMIT_IP: "4" }, ({ get, times }) => {
  test("counts down, then waits", async () => {
    for (const left of [3, 2, 1, 0]) {
      const { status, headers } = await get("/api");
      expect([status, headers.get("ratelimit-policy")]).toEqual([200, '"ip";q=4;w=60']);
      expect(headers.get("ratelimit")).toMatch(new RegExp(`^"ip";r=${left};t=\\d+$`));
      expect(headers.get("retry-after")).toBeNull();
    }
    const refused = await get("/api");
    expect(refused.status).toBe(429);
    expect(refused.headers.get("content-type")).toBe("application/problem+json");
    expect(refused.headers.get("ratelimit")).toMatch(/^"ip";r=0;t=\d+$/);
    expect(Number(refused.headers.get("retry-after"))).toBeWithin(1, 61);
    expect(refused.headers.get("x-request-id")).toHaveLength(36);
    expect(refused.headers.get("x-content-type-options")).toBe("nosniff");
    expect(await refused.json()).toMatchObject({ status: 429, code: "rate_limited", instance: "/api" });
  });

  test("is refused everywhere, but for the server's health", async () => {
    for (const path of ["/api", "/api/clients", "/nope", "/healthy", "/api/auth/sessions"]) {
      expect([path, (await get(path)).status]).toEqual([path, 429]);
    }
    for (const path of ["/health", "/health/live", "/health/ready"]) {
      const { status, headers } = await get(path);
      expect([path, status, headers.get("ratelimit")]).toEqual([path, 200, null]);
    }
  });

  test("is not another one by what it writes into its headers", async () => {
    for (const name of [
      "x-forwarded-for",
      "x-real-ip",
      "forwarded",
      "x-client-ip",
      "cf-connecting-ip",
      "true-client-ip",
    ]) {
      expect([name, (await get("/api", { [name]: "203.0.113.9" })).status]).toEqual([name, 429]);
    }
  });

  test("gets no other path, and no free one, by a Host that is none", async () => {
    const { url } = { url: (await get("/health")).url.replace("/health", "") };
    const heads = ["HTTP/1.0", "HTTP/1.1\r\nHost:", "HTTP/1.1\r\nHost: <>", "HTTP/1.1\r\nHost: a b"];
    for (const head of heads) {
      for (const path of ["/api", "/health", "/health/api", "/public/api", "/health/api/auth/login"]) {
        const request = `GET ${path} ${head}\r\nConnection: close\r\n\r\n`;
        expect([request, (await rawHttp(url, request)).status]).toEqual([request, 400]);
      }
    }
  });

  test("counts credentials that are no good", async () => {
    expect(await times(2, "/api", { authorization: "Bearer a.b.c" })).toEqual([429, 429]);
  });
});

limited("bad credentials", { RATE_LIMIT_IP: "3" }, ({ get, times }) => {
  test("count for the address, whatever they are", async () => {
    expect(await times(2, "/api/clients", { authorization: "Bearer a.b.c" })).toEqual([401, 401]);
    expect((await get("/api/clients", { authorization: "Basic x" })).status).toBe(401);
    expect((await get("/api/clients", { authorization: "Bearer d.e.f" })).status).toBe(429);
    expect((await get("/api")).status).toBe(429);
  });
});

limited("a user", { RATE_LIMIT_USER: "3", RATE_LIMIT_IP: "10" }, ({ get, times, server }) => {
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

  test("has a limit of their own, in all their sessions together", async () => {
    await addPerson(server(), "lan@cast.example", "user");
    await addPerson(server(), "minh@cast.example", "user");
    const lan = await letIn(server(), "lan@cast.example");
    const again = await letIn(server(), "lan@cast.example");
    const minh = await letIn(server(), "minh@cast.example");

    const { headers } = await get("/api/clients", bearer(lan.token));
    expect(headers.get("ratelimit-policy")).toBe('"user";q=3;w=60');
    expect(headers.get("ratelimit")).toMatch(/^"user";r=2;t=\d+$/);
    expect(await times(2, "/api/clients", bearer(again.token))).toEqual([200, 200]);
    expect(await times(1, "/api/clients", bearer(lan.token))).toEqual([429]);
    expect(await times(1, "/api/clients", bearer(again.token))).toEqual([429]);
    expect(await times(1, "/api/clients", bearer(minh.token))).toEqual([200]);

    // Their address is not used up by what they do, nor they by it: three sign-ins, seven more.
    expect(await times(8, "/api")).toEqual([200, 200, 200, 200, 200, 200, 200, 429]);
    expect(await times(1, "/api/clients", bearer(minh.token))).toEqual([200]);
  });

  test("finds a refusal not kept for their Idempotency-Key", async () => {
    await addPerson(server(), "vy@cast.example", "user");
    const authorization = `Bearer ${server().parts ? await signInDirectly(server(), "vy@cast.example") : ""}`;
    const post = () =>
      fetch(`${server().url}/api/clients`, {
        method: "POST",
        headers: { authorization, "content-type": "application/json", "idempotency-key": "key-1" },
        body: '{"name":"New"}',
      });
    await times(3, "/api/clients", { authorization });
    expect((await post()).status).toBe(429);
    const { read } = server().parts.store;
    expect(await read.q.select().from(read.t.idempotency_keys)).toEqual([]);
  });
});

/** Signs in without a request, which the address has no more of. */
async function signInDirectly(server: TestServer, email: string): Promise<string> {
  const actor = {
    kind: "user",
    userId: null,
    sessionId: null,
    grants: {},
    timeZone: "UTC",
    requestId: "limits-test",
  } as const;
  const tokens = await server.parts.auth.login(
    actor,
    { email, password: "a long enough phrase" },
    { address: "127.0.0.1", userAgent: null },
  );
  return tokens.access_token;
}

const behind = { RATE_LIMIT_IP: "2", NEOCRM_SERVER_TRUSTED_PROXIES: "127.0.0.1,10.0.0.0/8" };

limited("behind a proxy that is trusted", behind, ({ get, times }) => {
  test("each caller that it saw has a limit", async () => {
    expect(await times(3, "/api", from("203.0.113.1"))).toEqual([200, 200, 429]);
    expect(await times(3, "/api", from("203.0.113.2"))).toEqual([200, 200, 429]);
  });

  test("the rightmost address that is no proxy's counts, never what the caller wrote before it", async () => {
    for (const written of ["1.1.1.1", "203.0.113.9", "10.9.9.9", "127.0.0.1", "unknown", "::1", "a, b"]) {
      expect([written, (await get("/api", from(`${written}, 203.0.113.1`))).status]).toEqual([written, 429]);
      expect([written, (await get("/api", from(`${written}, 203.0.113.1, 10.0.0.7`))).status]).toEqual([
        written,
        429,
      ]);
    }
  });

  test("two headers are one list", async () => {
    const { url } = await get("/health");
    const request = (last: string) =>
      `GET /api HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: ${last}\r\nConnection: close\r\n\r\n`;
    expect((await rawHttp(url, request("203.0.113.1"))).status).toBe(429);
    expect((await rawHttp(url, request("198.51.100.2"))).status).toBe(200);
  });

  test("one address in several spellings is one", async () => {
    const spellings = ["203.0.113.3", "::ffff:203.0.113.3", "203.0.113.3:51234", "[::ffff:cb00:7103]:80"];
    const statuses = [];
    for (const spelling of spellings) statuses.push((await get("/api", from(spelling))).status);
    expect(statuses).toEqual([200, 200, 429, 429]);
  });

  test("a network that one subscriber holds is one", async () => {
    const statuses = [];
    for (const end of ["::1", "::2", ":a:b:c:d"])
      statuses.push((await get("/api", from(`2001:db8:1:2${end}`))).status);
    expect(statuses).toEqual([200, 200, 429]);
    expect((await get("/api", from("2001:db8:1:3::1"))).status).toBe(200);
  });
});

limited("without limits", { RATE_LIMIT_IP: "0" }, ({ get }) => {
  test("no header speaks of one", async () => {
    const { headers } = await get("/api");
    expect([headers.get("ratelimit"), headers.get("ratelimit-policy")]).toEqual([null, null]);
  });
});

limited(
  "browsers that ask before they call from another site",
  { RATE_LIMIT_IP: "1", CORS_ORIGIN: "https://app.example" },
  ({ get, server }) => {
    test("are not counted: they cannot show credentials while they ask", async () => {
      const preflight = () =>
        fetch(`${server().url}/api/clients`, {
          method: "OPTIONS",
          headers: {
            origin: "https://app.example",
            "access-control-request-method": "GET",
            "access-control-request-headers": "authorization",
          },
        });
      for (let i = 0; i < 4; i++) expect((await preflight()).status).toBe(204);
      expect((await get("/api")).status).toBe(200);
      expect((await get("/api")).status).toBe(429);
      expect((await preflight()).status).toBe(204);
    });

    test("can read the refusal", async () => {
      const { status, headers } = await get("/api", { origin: "https://app.example" });
      expect([status, headers.get("access-control-allow-origin")]).toEqual([429, "https://app.example"]);
      expect(headers.get("access-control-expose-headers")).toMatch(/Retry-After/i);
    });
  },
);
