/** Idempotency-Key: a POST that is sent again is answered as the first time, and done once. */
import { describe, expect, test } from "bun:test";
import { DbError } from "../../src/db/errors";
import { addPerson, signIn } from "../support/people";
import { newDatabase } from "../support/postgres";
import { newInstallation } from "../support/restart";
import { sealWith } from "../../src/http/seal";
import { inWorld, scenarios, type Answer, type World } from "../support/scenario";
import { engines, startTestServer } from "../support/servers";

const clients = { acme: { email: "info@acme.example" }, buried: { deleted: true } };

type Post = {
  path?: string;
  body?: unknown;
  by?: Parameters<World["send"]>[0];
  headers?: Record<string, string>;
};

const post = (world: World, key: string, { path = "/api/clients", body, by = "lan", headers }: Post = {}) =>
  world.send(by, "POST", path, {
    body: path.endsWith("/clients") ? (body ?? { name: "New" }) : body,
    headers: { "idempotency-key": key, ...headers },
  });

const isReplay = ({ headers }: Answer) => headers.get("idempotency-replayed") === "true";

/** The second answer is the first one again. */
function expectReplay(first: Answer, second: Answer): void {
  expect([isReplay(first), isReplay(second)]).toEqual([false, true]);
  expect(second.status).toBe(first.status);
  expect(second.text).toBe(first.text);
  for (const name of ["etag", "location", "cache-control", "content-type", "retry-after", "allow"]) {
    expect([name, second.headers.get(name)]).toEqual([name, first.headers.get(name)]);
  }
  expect(second.headers.get("x-request-id")).not.toBe(first.headers.get("x-request-id"));
}

inWorld("a POST that comes twice", { clients }, (world) => {
  const kept: [what: string, status: number, post: Post][] = [
    ["makes one record", 201, {}],
    ["restores once", 200, { path: "/api/clients/$buried/restore" }],
    ["restores once, with a body", 200, { path: "/api/clients/$buried/restore", body: {} }],
    ["stays a conflict", 409, { body: { name: "New", email: "info@acme.example" } }],
    ["stays invalid", 422, { body: { name: "" } }],
    ["stays invalid by the rules", 422, { body: { name: "x", assigned_to: "$off" } }],
    ["stays forbidden", 403, { path: "/api/clients/$acme/restore", by: "stranger" }],
    ["stays not found", 404, { path: "/api/clients/$buried/restore", by: "stranger" }],
    ["stays not found, without any id", 404, { path: "/api/clients/abc/restore" }],
  ];
  for (const [what, status, request] of kept) {
    test(what, async () => {
      const { events } = world();
      const first = await post(world(), "key-1", request);
      expect([first.status, first.text]).toEqual([status, first.text]);
      const recorded = (await events()).length;
      const second = await post(world(), "key-1", request);
      expectReplay(first, second);
      expectReplay(first, await post(world(), "key-1", request));
      expect((await events()).length).toBe(recorded);
    });
  }

  test("is answered as it was, whatever became of the record", async () => {
    const first = await post(world(), "key-1");
    await world().send("lan", "PATCH", first.headers.get("location")!, { body: { name: "Other" } });
    await world().send("lan", "DELETE", first.headers.get("location")!);
    expectReplay(first, await post(world(), "key-1"));
  });

  test("stays a conflict when the way is free, for a new key is a new attempt", async () => {
    const body = { name: "New", email: "info@acme.example" };
    const first = await post(world(), "key-1", { body });
    await world().send("lan", "DELETE", "/api/clients/$acme");
    expectReplay(first, await post(world(), "key-1", { body }));
    expect((await post(world(), "key-2", { body })).status).toBe(201);
  });

  test("with another body is refused, and leaves the first alone", async () => {
    const first = await post(world(), "key-1");
    const other = await post(world(), "key-1", { body: { name: "Other" } });
    expect(other.json).toMatchObject({ status: 422, code: "idempotency_mismatch" });
    expect(other.json.errors[0].field).toBe("Idempotency-Key");
    expectReplay(first, await post(world(), "key-1"));
    expect((await world().send("lan", "GET", "/api/clients?count=exact")).json.pagination.total).toBe(2);
  });

  test("whose secret is forgotten is told so, and not taken for another body", async () => {
    await post(world(), "key-1");
    await world().server.parts.store.tx(async ({ q, t }) => {
      const body_hash = sealWith("a secret that was dropped since").digest(JSON.stringify({ name: "New" }));
      await q.update(t.idempotency_keys).set({ body_hash });
    });
    const again = await post(world(), "key-1");
    expect(again.json).toMatchObject({ status: 409, code: "idempotency_unreadable" });
    expect((await world().send("lan", "GET", "/api/clients?count=exact")).json.pagination.total).toBe(2);
  });

  test("may write the same body with other blanks", async () => {
    const headers = { "content-type": "application/json", "idempotency-key": "key-1" };
    const first = await world().send("lan", "POST", "/api/clients", { raw: '{"name":"New"}', headers });
    expectReplay(
      first,
      await world().send("lan", "POST", "/api/clients", { raw: ' { "name" : "New" } ', headers }),
    );
  });

  test("is somebody else's with the same key", async () => {
    const first = await post(world(), "key-1");
    const second = await post(world(), "key-1", { by: "minh" });
    expect([second.status, isReplay(second)]).toEqual([201, false]);
    expect(second.json.id).not.toBe(first.json.id);
  });

  test("elsewhere is another one", async () => {
    await post(world(), "key-1");
    const restored = await post(world(), "key-1", { path: "/api/clients/$buried/restore" });
    expect([restored.status, isReplay(restored)]).toEqual([200, false]);
  });

  test("by another session of the same user is the same", async () => {
    const first = await post(world(), "key-1");
    const { token } = await signIn(world().server, world().people.lan.email);
    expectReplay(first, await post(world(), "key-1", { by: { token } }));
  });

  test("by nobody is not known", async () => {
    await post(world(), "key-1");
    expect((await post(world(), "key-1", { by: "nobody" })).status).toBe(401);
    expect((await post(world(), "key-1", { by: "gone" })).status).toBe(401);
  });

  test("is not judged by what stood in a query that no endpoint takes", async () => {
    expect(
      (await post(world(), "key-1", { path: "/api/clients?dry_run=1", body: { name: "New" } })).status,
    ).toBe(400);
    expect((await post(world(), "key-1")).status).toBe(201);
  });

  test("after a body that was no JSON is the first one", async () => {
    const headers = { "content-type": "application/json", "idempotency-key": "key-1" };
    expect((await world().send("lan", "POST", "/api/clients", { raw: "{", headers })).status).toBe(400);
    expect((await post(world(), "key-1")).status).toBe(201);
  });
});

inWorld("a fault of ours", { clients }, (world) => {
  const faults: [status: number, error: unknown][] = [
    [503, new DbError("busy")],
    [507, new DbError("full")],
    [500, new Error("a bug")],
  ];
  for (const [status, error] of faults) {
    test(`${status} is no answer to keep`, async () => {
      const { store } = world().server.parts;
      const { tx } = store;
      store.tx = () => Promise.reject(error as Error);
      const broken = await post(world(), "key-1");
      store.tx = tx;
      expect(broken.status).toBe(status);
      expect(broken.text).not.toContain("a bug");
      const first = await post(world(), "key-1");
      expect([first.status, isReplay(first)]).toEqual([201, false]);
      expectReplay(first, await post(world(), "key-1"));
    });
  }

  test("in keeping a refusal does not hide it", async () => {
    const { idempotency } = world().server.parts;
    const keep = idempotency.keep.bind(idempotency);
    idempotency.keep = () => Promise.reject(new DbError("busy"));
    const refused = await post(world(), "key-1", { body: { name: "" } });
    idempotency.keep = keep;
    expect(refused.status).toBe(422);
    expect((await post(world(), "key-1", { body: { name: "" } })).status).toBe(422);
  });

  test("in keeping an answer undoes the write", async () => {
    const { idempotency } = world().server.parts;
    const keep = idempotency.keep.bind(idempotency);
    idempotency.keep = () => Promise.reject(new DbError("busy"));
    const refused = await post(world(), "key-1");
    idempotency.keep = keep;
    expect(refused.status).toBe(503);
    expect((await world().send("lan", "GET", "/api/clients")).json.data).toHaveLength(1);
  });
});

inWorld("the same key many times at once", { clients }, (world) => {
  test("makes one record; the others are told to wait, or get the same answer", async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => post(world(), "key-1")));
    const made = answers.filter(({ status }) => status === 201);
    expect(made.length).toBeGreaterThan(0);
    expect(new Set(made.map(({ text }) => text)).size).toBe(1);
    for (const { json } of answers.filter(({ status }) => status !== 201)) {
      expect(json).toMatchObject({ status: 409, code: "idempotency_in_progress" });
    }
    const { json } = await world().send("lan", "GET", "/api/clients?filter[name]=new");
    expect(json.data).toHaveLength(1);
    expect(isReplay(await post(world(), "key-1"))).toBe(true);
  });

  test("with other bodies makes one record", async () => {
    const answers = await Promise.all(
      [1, 2, 3, 4].map((n) => post(world(), "key-1", { body: { name: `New ${n}` } })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    for (const { status, json } of answers) {
      if (status !== 201) expect(json.code).toBeOneOf(["idempotency_in_progress", "idempotency_mismatch"]);
    }
  });
});

inWorld("after a day", { clients }, (world) => {
  const age = async (hours: number) => {
    await world().server.parts.store.tx(async ({ q, t }) => {
      await q.update(t.idempotency_keys).set({ created_at: Date.now() - hours * 3_600_000 });
    });
  };

  test("a key is forgotten", async () => {
    const first = await post(world(), "key-1");
    await age(24.01);
    const second = await post(world(), "key-1", { body: { name: "Other" } });
    expect([second.status, isReplay(second)]).toEqual([201, false]);
    expect(second.json.id).not.toBe(first.json.id);
    expectReplay(second, await post(world(), "key-1", { body: { name: "Other" } }));
  });

  test("and not before", async () => {
    const first = await post(world(), "key-1");
    await age(23.99);
    expectReplay(first, await post(world(), "key-1"));
  });
});

const longest = "k".repeat(255);

scenarios("keys", { clients }, [
  { by: "lan", post: "/api/clients", body: { name: "x" }, key: longest, status: 201 },
  {
    by: "lan",
    post: "/api/clients",
    body: { name: "x" },
    key: '"8e03978e-40d5-43dd-bc93-6894a57f9324"',
    status: 201,
  },
  { by: "lan", post: "/api/clients", body: { name: "x" }, key: "!~%$'\\", status: 201 },
  ...["", `${longest}k`, "a b", "a, b", "é"].map((key) => ({
    name: `malformed ${key.slice(0, 10)}`,
    by: "lan" as const,
    post: "/api/clients",
    body: { name: "x" },
    key,
    status: 400,
    problem: { code: "invalid_idempotency_key" },
    events: [],
  })),
  {
    name: "on a method that is repeatable anyway",
    by: "lan",
    patch: "/api/clients/$acme",
    body: { notes: "x" },
    key: "key-1",
    status: 200,
    hasHeaders: { "idempotency-replayed": null },
  },
  ...["setup", "register", "login", "refresh", "logout", "logout-all"].map((name) => ({
    by: "lan" as const,
    post: `/api/auth/${name}`,
    body: name.startsWith("logout") ? undefined : { email: "a@b.vn", password: "x" },
    key: "key-1",
    status: 422,
    problem: { code: "idempotency_unsupported", field: "Idempotency-Key" },
    events: [],
  })),
]);

describe.each(engines)("a server that starts again [%s]", (engine) => {
  test("gives the answers that it gave before", async () => {
    const installation = await newInstallation(engine);
    let server = await installation.start();
    try {
      await addPerson(server, "lan@cast.example", "user");
      const { token } = await signIn(server, "lan@cast.example");
      const send = async (path: string, body: unknown, key: string) => {
        const headers = {
          ...{ authorization: `Bearer ${token}`, "content-type": "application/json", "idempotency-key": key },
        };
        const response = await fetch(server.url + path, {
          method: "POST",
          headers,
          body: JSON.stringify(body),
        });
        return [response.status, response.headers.get("etag"), await response.text()];
      };
      const requests: [path: string, body: unknown, key: string][] = [
        ["/api/clients", { name: "New", email: "a@b.vn" }, "key-1"],
        ["/api/clients", { name: "Other", email: "a@b.vn" }, "key-2"],
        ["/api/clients", { name: "" }, "key-3"],
      ];
      const first = [];
      for (const request of requests) first.push(await send(...request));
      expect(first.map(([status]) => status)).toEqual([201, 409, 422]);
      await server.stop();
      server = await installation.start();
      for (const [i, request] of requests.entries()) expect(await send(...request)).toEqual(first[i]!);
      expect((await send("/api/clients", { name: "New" }, "key-1"))[0]).toBe(422);
    } finally {
      await server.stop();
      installation.remove();
    }
  });
});

describe("two servers over one PostgreSQL", () => {
  test("make one record of the same key, and give one answer", async () => {
    const databaseUrl = await newDatabase();
    const env = { JWT_SECRET: "a secret that two servers share, long enough" };
    const servers = [
      await startTestServer("postgres", env, databaseUrl),
      await startTestServer("postgres", env, databaseUrl),
    ];
    try {
      await addPerson(servers[0]!, "lan@cast.example", "user");
      const { token } = await signIn(servers[0]!, "lan@cast.example");
      const authorization = `Bearer ${token}`;
      const send = async (url: string, key: string, body: unknown) => {
        const headers = { authorization, "content-type": "application/json", "idempotency-key": key };
        const response = await fetch(`${url}/api/clients`, {
          method: "POST",
          headers,
          body: JSON.stringify(body),
        });
        return { status: response.status, json: (await response.json()) as Record<string, unknown> };
      };
      for (let round = 0; round < 12; round++) {
        // With something unique in it, the loser must not be told that the winner took it.
        const body = { name: `Round ${round}`, ...(round % 2 && { email: `${round}@b.vn` }) };
        const answers = await Promise.all(servers.map(({ url }) => send(url, `key-${round}`, body)));
        expect(answers.map(({ status }) => status)).toEqual([201, 201]);
        expect(answers[0]!.json).toEqual(answers[1]!.json);

        const others = await Promise.all(
          servers.map(({ url }, i) => send(url, `other-${round}`, { name: `Other ${round} ${i}` })),
        );
        expect(others.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 422]);
        expect(others.find(({ status }) => status === 422)!.json["code"]).toBe("idempotency_mismatch");
      }
      const response = await fetch(`${servers[0]!.url}/api/clients?count=exact`, {
        headers: { authorization },
      });
      expect(((await response.json()) as { pagination: { total: number } }).pagination.total).toBe(24);
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  });
});

inWorld("what is kept for a key", {}, (world) => {
  test("tells nobody who has a copy of the database what was sent", async () => {
    const body = { name: "Acme" };
    await world().send("lan", "POST", "/api/clients", { body, headers: { "idempotency-key": "guess" } });
    const { read } = world().server.parts.store;
    const [row] = await read.q.select().from(read.t.idempotency_keys);
    const plain = new Bun.CryptoHasher("sha256").update(JSON.stringify(body)).digest("hex");
    expect(row!.body_hash).toMatch(/^[\w-]{8}\.[0-9a-f]{64}$/);
    expect(row!.body_hash).not.toContain(plain);
  });

  test("counts for the path with a slash at its end as without", async () => {
    const send = (path: string) =>
      world().send("lan", "POST", path, { body: { name: "Acme" }, headers: { "idempotency-key": "slash" } });
    const [first, second] = [await send("/api/clients"), await send("/api/clients/")];
    expect(second.json.id).toBe(first.json.id);
  });
});
