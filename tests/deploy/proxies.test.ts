import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { addPerson, letIn, password, type Person } from "../support/people";
import { startComposeProxy, startProxy, type Proxy } from "../support/proxies";
import { connect, notify, until } from "../support/realtime";
import { startTestServer, type TestServer } from "../support/servers";

setDefaultTimeout(30_000);

describe.each(["nginx", "caddy"] as const)("behind %s, as configured in deploy/", (name) => {
  let server: TestServer;
  let proxy: Proxy;
  let ada: Person;
  beforeAll(async () => {
    server = await startTestServer("sqlite", {
      NEOCRM_SERVER_TRUSTED_PROXIES: "127.0.0.1",
      NEOCRM_SERVER_HTTPS: "redirect",
      NEOCRM_SERVER_PUBLIC_URL: "https://localhost",
      NEOCRM_SERVER_BODY_LIMIT: "4 MiB",
    });
    proxy = await startProxy(name, server.url);
    await addPerson(server, "ada@example.com", "admin");
    ada = await letIn(server, "ada@example.com", { "x-forwarded-proto": "https" });
  });
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  const send = (path: string, init: RequestInit = {}) =>
    fetch(proxy.url + path, {
      ...init,
      headers: { authorization: `Bearer ${ada.token}`, "content-type": "application/json", ...init.headers },
      tls: { ca: proxy.ca },
      redirect: "manual",
    });

  test("requests come as HTTPS, and without it are sent there", async () => {
    const answer = await send("/health");
    expect([answer.status, answer.headers.has("strict-transport-security")]).toEqual([200, true]);
    const plain = await fetch(`${proxy.plainUrl}/api/clients?limit=1`, { redirect: "manual" });
    expect([301, 308]).toContain(plain.status);
    expect(plain.headers.get("location")).toMatch(/^https:\/\/localhost(:\d+)?\/api\/clients\?limit=1$/);
  });

  test("answers are compressed, and their ETags are good for a change", async () => {
    const made = await send("/api/clients", {
      ...{ method: "POST", body: JSON.stringify({ name: "Acme", notes: "notes ".repeat(1_000) }) },
    });
    const { id } = (await made.json()) as { id: string };
    const read = await send(`/api/clients/${id}`, { headers: { "accept-encoding": "gzip" } });
    expect(read.headers.get("content-encoding")).toBe("gzip");
    const etag = read.headers.get("etag")!;
    expect((await send(`/api/clients/${id}`, { headers: { "if-none-match": etag } })).status).toBe(304);
    const change = { method: "PATCH", body: '{"notes": "short"}', headers: { "if-match": etag } };
    expect((await send(`/api/clients/${id}`, change)).status).toBe(200);
    expect((await send(`/api/clients/${id}`, change)).status).toBe(412);
  });

  test("what comes of signing in is not compressed", async () => {
    const answer = await send("/api/auth/login", {
      ...{ method: "POST", body: JSON.stringify({ email: "ada@example.com", password }) },
      headers: { "accept-encoding": "gzip", "user-agent": "x".repeat(200) },
    });
    expect([answer.status, answer.headers.get("content-encoding")]).toEqual([200, null]);
  });

  test("bodies reach the server whatever their size, and it says what is too large", async () => {
    const post = async (size: number) => {
      const body = JSON.stringify({ name: "Large", notes: "x".repeat(size) });
      const answer = await send("/api/clients", { method: "POST", body });
      return [answer.status, answer.headers.get("content-type")?.split(";")[0]];
    };
    expect(await post(3 * 1024 * 1024)).toEqual([422, "application/problem+json"]);
    expect(await post(6 * 1024 * 1024)).toEqual([413, "application/problem+json"]);
  });

  test("neither share links nor tickets are in its log", async () => {
    const secret = "pExLRC2rw9n7GZMyLXE1CQ";
    const paths = [`/s/${secret}/preview`, `/S/${secret}?x=1`, `/api/files/x/download?a=1&ticket=${secret}`];
    for (const path of paths) await send(path);
    await fetch(`${proxy.plainUrl}/s/${secret}`, { redirect: "manual" });
    await send("/api/clients?limit=2");
    if (name === "nginx") await until(() => proxy.log().includes('"GET /api/clients?limit=2" 200'));
    expect(proxy.log()).not.toContain(secret);
    for (const shown of name === "nginx" ? ["/s/***/preview", "/s/***", "/api/files/x/download?***"] : [])
      expect(proxy.log()).toContain(`"GET ${shown}" `);
  });

  test("WebSockets open, in both places, and are told what happens", async () => {
    for (const path of ["/ws", "/api/ws"]) {
      const client = await connect(proxy.url + path, {}, proxy.ca);
      client.send({ type: "auth", token: ada.token });
      await client.next("ready");
      await notify(server, ada.id, 1);
      expect(await client.next("notification")).toMatchObject({ payload: { message: "It is yours." } });
      client.close();
      await client.closed;
    }
  });

  test("event streams come piece by piece, as they are written", async () => {
    const abort = new AbortController();
    const answer = await send("/api/notifications/stream", { signal: abort.signal });
    const decoder = new TextDecoder();
    let text = "";
    const reading = (async () => {
      for await (const bytes of answer.body!) text += decoder.decode(bytes, { stream: true });
    })().catch(() => {});
    await until(() => text.includes('"type":"ready"'));
    await notify(server, ada.id, 1);
    await until(() => text.includes('"type":"notification"'));
    abort.abort();
    await reading;
  });

  test("people have their own address, not the proxy's and not one that they made up", async () => {
    expect(await signInFrom("127.0.0.2", proxy)).toBe("200");
    const { data } = (await (await send("/api/auth/sessions")).json()) as { data: { ip: string }[] };
    expect(data.map(({ ip }) => ip)).toContain("127.0.0.2");
    expect(data.map(({ ip }) => ip)).not.toContain("203.0.113.9");
  });
});

test("behind the nginx of docker-compose.yml, itself behind what terminates TLS, both are believed", async () => {
  const server = await startTestServer("sqlite", {
    NEOCRM_SERVER_TRUSTED_PROXIES: "127.0.0.1",
    NEOCRM_SERVER_HTTPS: "redirect",
    NEOCRM_SERVER_PUBLIC_URL: "https://localhost",
  });
  const nginx = await startComposeProxy(server.url);
  const caddy = await startProxy("caddy", nginx.plainUrl);
  try {
    await addPerson(server, "ada@example.com", "admin");
    const ada = await letIn(server, "ada@example.com", { "x-forwarded-proto": "https" });
    expect(await signInFrom("127.0.0.2", caddy)).toBe("200");
    const headers = { authorization: `Bearer ${ada.token}` };
    const path = "/api/auth/sessions";
    const answer = await fetch(caddy.url + path, { headers, tls: { ca: caddy.ca }, redirect: "manual" });
    expect([answer.status, answer.headers.has("strict-transport-security")]).toEqual([200, true]);
    const { data } = (await answer.json()) as { data: { ip: string }[] };
    expect(data.map(({ ip }) => ip)).toContain("127.0.0.2");
    const plain = await fetch(nginx.plainUrl + path, { headers, redirect: "manual" });
    expect(plain.status).toBe(308);
  } finally {
    await caddy.stop();
    await nginx.stop();
    await server.stop();
  }
});

/** Signs in by curl from an address of this machine that is no proxy's, with another one made up. @returns the status */
async function signInFrom(address: string, { url }: Pick<Proxy, "url">): Promise<string> {
  const login = Bun.spawn(
    [
      ...["curl", "--silent", "--insecure", "--interface", address, "--write-out", "%{http_code}"],
      ...["--header", "Content-Type: application/json", "--header", "X-Forwarded-For: 203.0.113.9"],
      ...["--data", JSON.stringify({ email: "ada@example.com", password }), "--output", "/dev/null"],
      ...["--resolve", `${new URL(url).host}:127.0.0.1`, `${url}/api/auth/login`],
    ],
    { stdout: "pipe" },
  );
  return new Response(login.stdout).text();
}
