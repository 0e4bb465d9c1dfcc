/** HTTPS, CORS and the headers that protect whoever reads an answer. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { addPerson, signIn } from "../support/people";
import { rawHttp } from "../support/raw-http";
import { engines, startTestServer, type TestServer } from "../support/servers";

interface Transport {
  send(method: string, path: string, headers?: Record<string, string>, body?: string): Promise<Response>;
  token(): string;
  server(): TestServer;
}

function transport(title: string, env: Record<string, string>, tests: (transport: Transport) => void): void {
  describe.each(engines)(`${title} [%s]`, (engine) => {
    let server: TestServer;
    let token: string;
    beforeAll(async () => {
      server = await startTestServer(engine, { NEOCRM_SERVER_BODY_LIMIT: "1KiB", ...env });
      await addPerson(server, "lan@cast.example", "user");
      const secure = env["NEOCRM_SERVER_TRUSTED_PROXIES"] !== undefined;
      token = secure ? "" : (await signIn(server, "lan@cast.example")).token;
    });
    afterAll(() => server.stop());
    tests({
      send: (method, path, headers = {}, body) =>
        fetch(server.url + path, { method, headers, body, redirect: "manual" }),
      token: () => token,
      server: () => server,
    });
  });
}

const protecting = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/** Every kind of answer there is, each by a request that gets it. */
function everyAnswer({ send, token, server }: Transport): [status: number, ask: () => Promise<Response>][] {
  const bearer = () => ({ authorization: `Bearer ${token()}` });
  const json = () => ({ ...bearer(), "content-type": "application/json" });
  const make = async () =>
    (await send("POST", "/api/clients", json(), '{"name":"New"}')).headers.get("location")!;
  return [
    [200, () => send("GET", "/api")],
    [200, () => send("GET", "/health")],
    [200, () => send("HEAD", "/api")],
    [200, () => send("GET", "/api/clients", bearer())],
    [201, () => send("POST", "/api/clients", json(), '{"name":"New"}')],
    [204, async () => send("DELETE", await make(), bearer())],
    [304, async () => send("GET", await make(), { ...bearer(), "if-none-match": '"v1"' })],
    [400, () => send("POST", "/api/clients", json(), "{")],
    [401, () => send("GET", "/api/clients")],
    [404, () => send("GET", "/nope")],
    [405, () => send("PUT", "/api/clients")],
    [412, async () => send("PATCH", await make(), { ...json(), "if-match": '"v2"' }, "{}")],
    [413, () => send("POST", "/api/clients", json(), `"${"x".repeat(2_000)}"`)],
    [415, () => send("POST", "/api/clients", bearer(), "x")],
    [422, () => send("POST", "/api/clients", json(), "{}")],
    [
      500,
      async () => {
        const { store } = server().parts;
        const { tx } = store;
        store.tx = () => Promise.reject(new Error("a bug"));
        const answer = await send("POST", "/api/clients", json(), '{"name":"New"}');
        store.tx = tx;
        return answer;
      },
    ],
  ];
}

transport("every answer", {}, (server) => {
  for (const [status, ask] of everyAnswer(server)) {
    test(`${status} protects its reader`, async () => {
      const answer = await ask();
      expect(answer.status).toBe(status);
      for (const [name, value] of Object.entries(protecting)) {
        expect([name, answer.headers.get(name)]).toEqual([name, value]);
      }
      expect(answer.headers.get("x-request-id")).toHaveLength(36);
      expect(answer.headers.get("cache-control")).toMatch(/^(no-store|private, no-cache)$/);
      for (const name of ["server", "x-powered-by", "set-cookie", "strict-transport-security"]) {
        expect([name, answer.headers.get(name)]).toEqual([name, null]);
      }
      for (const name of [...answer.headers.keys()]) expect(name).not.toStartWith("access-control-");
    });
  }
});

describe("CORS", () => {
  const app = "https://app.example";
  const preflight = (origin: string, method = "PATCH") => ({
    origin,
    "access-control-request-method": method,
    "access-control-request-headers": "authorization, content-type, if-match, idempotency-key",
  });

  transport("nobody is listed", {}, ({ send }) => {
    test("and a browser is told nothing", async () => {
      const { status, headers } = await send("OPTIONS", "/api/clients", preflight(app));
      expect([status, headers.get("access-control-allow-origin")]).toEqual([405, null]);
      expect(
        (await send("GET", "/api", { origin: app })).headers.get("access-control-allow-origin"),
      ).toBeNull();
    });
  });

  transport("one is listed", { CORS_ORIGIN: `${app},http://localhost:5173` }, (server) => {
    const { send } = server;
    for (const origin of [app, "http://localhost:5173"]) {
      test(`${origin} may ask`, async () => {
        const { status, headers } = await send("OPTIONS", "/api/clients/x", preflight(origin));
        expect([status, headers.get("access-control-allow-origin")]).toEqual([204, origin]);
        expect(headers.get("x-request-id")).toHaveLength(36);
        expect(headers.get("vary")).toMatch(/origin/i);
        expect(headers.get("access-control-allow-credentials")).toBeNull();
        expect(headers.get("access-control-max-age")).toBe("600");
        for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"]) {
          expect(headers.get("access-control-allow-methods")).toContain(method);
        }
        for (const name of [
          "authorization",
          "content-type",
          "if-match",
          "if-none-match",
          "idempotency-key",
          "x-request-id",
        ]) {
          expect(headers.get("access-control-allow-headers")!.toLowerCase()).toContain(name);
        }
      });
    }

    for (const origin of [
      "https://evil.example",
      "http://app.example",
      `${app}.evil.example`,
      "https://sub.app.example",
      `${app}:8443`,
      "null",
      "constructor",
      "__proto__",
      "",
    ]) {
      test(`${origin || "no one"} may not`, async () => {
        const asked = await send("OPTIONS", "/api/clients", preflight(origin));
        const got = await send("GET", "/api", { origin });
        for (const { headers } of [asked, got]) expect(headers.get("access-control-allow-origin")).toBeNull();
        expect(got.headers.get("vary")).toMatch(/origin/i);
      });
    }

    for (const [status, ask] of everyAnswer({
      ...server,
      send: (method, path, headers, body) => server.send(method, path, { ...headers, origin: app }, body),
    })) {
      test(`${status} can be read by it`, async () => {
        const { status: answered, headers } = await ask();
        expect([answered, headers.get("access-control-allow-origin")]).toEqual([status, app]);
        for (const name of [
          "etag",
          "location",
          "x-request-id",
          "ratelimit",
          "ratelimit-policy",
          "retry-after",
        ]) {
          expect(headers.get("access-control-expose-headers")!.toLowerCase()).toContain(name);
        }
      });
    }
  });

  transport("everybody is listed", { CORS_ORIGIN: "*" }, ({ send }) => {
    test("any site may ask, and caches keep them apart", async () => {
      for (const origin of [app, "https://other.example"]) {
        const { headers } = await send("GET", "/api", { origin });
        expect(headers.get("access-control-allow-origin")).toBeOneOf([origin, "*"]);
        expect(headers.get("vary") ?? "").not.toContain("*");
        expect(headers.get("access-control-allow-credentials")).toBeNull();
        expect((await send("OPTIONS", "/api/clients", preflight(origin))).status).toBe(204);
      }
    });
  });
});

describe("HTTPS", () => {
  const proxy = { NEOCRM_SERVER_TRUSTED_PROXIES: "127.0.0.1" };
  const tls = { "x-forwarded-proto": "https" };
  const clear = { "x-forwarded-proto": "http" };

  transport("off", { ...proxy, CORS_ORIGIN: "https://app.example" }, ({ send }) => {
    test("anything goes, and no browser is bound to it", async () => {
      for (const headers of [{}, tls, clear] as Record<string, string>[]) {
        const answer = await send("GET", "/api", headers);
        expect([answer.status, answer.headers.get("strict-transport-security")]).toEqual([200, null]);
      }
    });
  });

  transport(
    "redirect, with a public address",
    { ...proxy, NEOCRM_SERVER_HTTPS: "redirect", NEOCRM_SERVER_PUBLIC_URL: "https://crm.example/" },
    ({ send }) => {
      test("sends there, whatever the Host says", async () => {
        const answer = await send("GET", "/api/clients?limit=5", { host: "evil.example" });
        expect(answer.headers.get("location")).toBe("https://crm.example/api/clients?limit=5");
      });
    },
  );

  for (const https of ["redirect", "require"] as const) {
    transport(
      `${https}, behind a trusted proxy`,
      { ...proxy, NEOCRM_SERVER_HTTPS: https, CORS_ORIGIN: "https://app.example" },
      ({ send, server }) => {
        test("who came by HTTPS is served, and told to stay with it", async () => {
          for (const [path, status] of [
            ["/api", 200],
            ["/nope", 404],
            ["/api/clients", 401],
            ["/health", 200],
          ] as const) {
            const answer = await send("GET", path, tls);
            expect([path, answer.status]).toEqual([path, status]);
            expect(answer.headers.get("strict-transport-security")).toBe(
              "max-age=31536000; includeSubDomains",
            );
          }
        });

        const reads = https === "redirect" ? 308 : 403;
        for (const headers of [
          {},
          clear,
          { "x-forwarded-proto": "https, http" },
          { "x-forwarded-proto": "HTTP" },
        ] as Record<string, string>[]) {
          test(`who did not is ${reads === 308 ? "sent there" : "refused"}: ${JSON.stringify(headers)}`, async () => {
            for (const method of ["GET", "HEAD"]) {
              const answer = await send(method, "/api/clients?limit=5&sort=-name", headers);
              const target = server().url.replace("http:", "https:");
              expect(answer.status).toBe(reads);
              expect(answer.headers.get("location")).toBe(
                reads === 308 ? `${target}/api/clients?limit=5&sort=-name` : null,
              );
              expect(answer.headers.get("strict-transport-security")).toBeNull();
              expect(answer.headers.get("x-request-id")).toHaveLength(36);
              for (const [name, value] of Object.entries(protecting))
                expect([name, answer.headers.get(name)]).toEqual([name, value]);
            }
          });
        }

        test("a body that came in the clear is never sent on", async () => {
          const answer = await send(
            "POST",
            "/api/auth/login",
            { ...clear, "content-type": "application/json" },
            '{"email":"a@b.vn","password":"x"}',
          );
          expect(answer.status).toBe(403);
          expect(answer.headers.get("content-type")).toBe("application/problem+json");
          expect(await answer.json()).toMatchObject({ code: "https_required", instance: "/api/auth/login" });
        });

        test("the page of another site can read the refusal", async () => {
          const { headers } = await send("POST", "/api/clients", { ...clear, origin: "https://app.example" });
          expect(headers.get("access-control-allow-origin")).toBe("https://app.example");
        });

        if (reads === 308) {
          test("and the page of another site may follow", async () => {
            const { status, headers } = await send("GET", "/api", {
              ...clear,
              origin: "https://app.example",
            });
            expect([status, headers.get("access-control-allow-origin")]).toEqual([
              308,
              "https://app.example",
            ]);
          });
        }

        test("health is answered in the clear", async () => {
          for (const path of ["/health", "/health/live", "/health/ready"])
            expect((await send("GET", path)).status).toBe(200);
        });

        test("a Host that is no host is refused, not redirected to nowhere", async () => {
          for (const host of ["x/health/", "x y", "/"]) {
            const answer = await rawHttp(
              server().url,
              `GET /api HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
            );
            expect([host, answer.status]).toBeOneOf([
              [host, 403],
              [host, 400],
            ]);
          }
        });
      },
    );
  }

  transport(
    "require, and no proxy is trusted",
    { NEOCRM_SERVER_TRUSTED_PROXIES: "192.0.2.1", NEOCRM_SERVER_HTTPS: "require" },
    ({ send }) => {
      test("saying that it was HTTPS does not make it so", async () => {
        for (const headers of [
          tls,
          { ...tls, "x-forwarded-for": "192.0.2.1" },
          { forwarded: "proto=https" },
          { "x-forwarded-ssl": "on" },
        ] as Record<string, string>[]) {
          const answer = await send("GET", "/api", headers);
          expect([answer.status, answer.headers.get("strict-transport-security")]).toEqual([403, null]);
        }
      });
    },
  );

  transport(
    "for as long as is configured",
    { ...proxy, NEOCRM_SERVER_HTTPS: "require", NEOCRM_SERVER_HSTS_MAX_AGE: "300" },
    ({ send }) => {
      test("browsers stay with it", async () => {
        expect((await send("GET", "/api", tls)).headers.get("strict-transport-security")).toBe(
          "max-age=300; includeSubDomains",
        );
      });
    },
  );

  transport(
    "0 seconds",
    { ...proxy, NEOCRM_SERVER_HTTPS: "require", NEOCRM_SERVER_HSTS_MAX_AGE: "0" },
    ({ send }) => {
      test("send no such header", async () => {
        expect((await send("GET", "/api", tls)).headers.get("strict-transport-security")).toBeNull();
      });
    },
  );
});
