/** ETag, If-Match, If-None-Match: who changes what they have not seen is told so. */
import { expect, test } from "bun:test";
import { inWorld, scenarios, type World } from "../support/scenario";

const clients = { acme: { notes: "first", assigned_to: "$minh" } };

/** Version 3: first the notes changed, then the status and the tags. */
const history = async ({ send }: World) => {
  await send("minh", "PATCH", "/api/clients/$acme", { body: { notes: "second" } });
  await send("minh", "PATCH", "/api/clients/$acme", { body: { status: "active", tags: ["a"] } });
};

const change = { by: "lan", patch: "/api/clients/$acme", body: { company: "Acme Ltd" } } as const;
const stale = { code: "stale", version: 3 };

scenarios("If-Match on a change", { clients, once: history }, [
  { name: "the present version", ...change, ifMatch: '"v3"', status: 200, hasHeaders: { etag: '"v4"' } },
  { name: "any version", ...change, ifMatch: "*", status: 200 },
  { name: "none", ...change, status: 200 },
  { name: "among several", ...change, ifMatch: '"v1", "v3"', status: 200 },
  { name: "without a space between", ...change, ifMatch: '"v1","v3"', status: 200 },
  { name: "with an empty entry", ...change, ifMatch: '"v1",, "v3",', status: 200 },
  { name: "beside another server's, with a comma in it", ...change, ifMatch: '"a,b", "v3"', status: 200 },
  {
    name: "one version behind",
    ...change,
    ifMatch: '"v2"',
    status: 412,
    problem: { ...stale, changed: ["status", "tags"] },
    hasHeaders: { etag: '"v3"' },
    events: [],
  },
  {
    name: "two behind",
    ...change,
    ifMatch: '"v1"',
    status: 412,
    problem: { ...stale, changed: ["notes", "status", "tags"] },
  },
  {
    name: "several behind",
    ...change,
    ifMatch: '"v1", "v2"',
    status: 412,
    problem: { ...stale, changed: ["status", "tags"] },
  },
  { name: "one that never was", ...change, ifMatch: '"v9"', status: 412, problem: { ...stale, changed: [] } },
  { name: "not ours", ...change, ifMatch: '"33a64df5"', status: 412, problem: { ...stale, changed: [] } },
  { name: "nearly ours", ...change, ifMatch: '"v03"', status: 412, problem: stale },
  { name: "empty quotes", ...change, ifMatch: '""', status: 412, problem: stale },
  { name: "weakened by a proxy that compresses", ...change, ifMatch: 'W/"v3"', status: 200 },
  { name: "weakened, and behind", ...change, ifMatch: 'W/"v2"', status: 412, problem: stale },
  ...[
    "v3",
    "3",
    '"v3',
    'v3"',
    "'v3'",
    '"v3" "v2"',
    '"v3"; x',
    'w/"v3"',
    "*, *",
    '*, "v3"',
    ",",
    '"v\u00003"'.replace("\0", " "),
  ].map((ifMatch) => ({
    name: `malformed ${ifMatch}`,
    ...change,
    ifMatch,
    status: 400,
    problem: { code: "invalid_etag" },
    events: [],
  })),
  {
    name: "a change that changes nothing, to an old version",
    ...change,
    body: {},
    ifMatch: '"v1"',
    status: 412,
  },
  {
    name: "whoever may not change it learns nothing of its versions",
    ...change,
    by: "stranger",
    ifMatch: '"v1"',
    status: 403,
    never: ["changed"],
  },
  { by: "lan", delete: "/api/clients/$acme", ifMatch: '"v3"', status: 204, events: ["client.deleted"] },
  {
    by: "lan",
    delete: "/api/clients/$acme",
    ifMatch: '"v2"',
    status: 412,
    problem: { ...stale, changed: ["status", "tags"] },
    events: [],
  },
  { by: "lan", delete: "/api/clients/$acme", ifMatch: "v2", status: 400, events: [] },
]);

scenarios("If-Match on a restore", { clients: { buried: { deleted: true } } }, [
  { by: "lan", post: "/api/clients/$buried/restore", ifMatch: '"v2"', status: 200, has: { version: 3 } },
  {
    name: "the version before it was deleted",
    by: "lan",
    post: "/api/clients/$buried/restore",
    ifMatch: '"v1"',
    status: 412,
    problem: { code: "stale", version: 2, changed: ["deleted_at"] },
    events: [],
  },
  { by: "stranger", post: "/api/clients/$buried/restore", ifMatch: '"v1"', status: 404 },
]);

scenarios("If-None-Match on a read", { clients }, [
  ...['"v1"', 'W/"v1"', "*", '"v0", "v1"', '"x", W/"v1"', '"a,b","v1"'].map((tag) => ({
    name: `known as ${tag}`,
    by: "lan" as const,
    get: "/api/clients/$acme",
    headers: { "if-none-match": tag },
    status: 304,
    hasHeaders: { etag: '"v1"', "cache-control": "private, no-cache", "content-type": null },
    then: (_: World, { text }: { text: string }) => expect(text).toBe(""),
  })),
  ...['"v2"', '"v0"', 'W/"v2"', '"V1"', '"v1,"', '""'].map((tag) => ({
    name: `known as ${tag}`,
    by: "lan" as const,
    get: "/api/clients/$acme",
    headers: { "if-none-match": tag },
    status: 200,
    has: { name: "acme" },
    hasHeaders: { etag: '"v1"' },
  })),
  {
    name: "known, by head",
    by: "lan",
    head: "/api/clients/$acme",
    headers: { "if-none-match": '"v1"' },
    status: 304,
  },
  {
    name: "malformed",
    by: "lan",
    get: "/api/clients/$acme",
    headers: { "if-none-match": "v1" },
    status: 400,
    problem: { code: "invalid_etag" },
  },
  {
    name: "nobody is told that it is unchanged",
    by: "nobody",
    get: "/api/clients/$acme",
    headers: { "if-none-match": '"v1"' },
    status: 401,
  },
  {
    name: "a list has no ETag",
    by: "lan",
    get: "/api/clients",
    headers: { "if-none-match": "*" },
    status: 200,
    hasHeaders: { etag: null, "cache-control": "no-store" },
  },
]);

const required = { NEOCRM_API_REQUIRE_IF_MATCH: "true" };
scenarios(
  "where a change must name its version",
  { env: required, clients: { ...clients, buried: { deleted: true } } },
  [
    { by: "lan", post: "/api/clients/$buried/restore", status: 428, events: [] },
    { by: "lan", post: "/api/clients/$buried/restore", ifMatch: '"v2"', status: 200 },
    { ...change, status: 428, problem: { code: "if_match_required" }, events: [] },
    { by: "lan", delete: "/api/clients/$acme", status: 428, events: [] },
    { ...change, ifMatch: '"v1"', status: 200 },
    { ...change, ifMatch: "*", status: 200 },
    { ...change, ifMatch: '"v2"', status: 412 },
    { by: "lan", delete: "/api/clients/$acme", ifMatch: '"v1"', status: 204 },
    { by: "lan", post: "/api/clients", body: { name: "New" }, status: 201 },
  ],
);

inWorld("two who change the same version at once", { clients }, (world) => {
  test("one wins, the others learn what it changed", async () => {
    const { send, events } = world();
    const before = (await events()).length;
    const headers = { "if-match": '"v1"' };
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, i) =>
        send(i % 2 ? "lan" : "minh", "PATCH", "/api/clients/$acme", {
          body: { notes: `mine ${i}` },
          headers,
        }),
      ),
    );
    const winners = answers.filter(({ status }) => status === 200);
    expect(winners).toHaveLength(1);
    for (const { status, json } of answers.filter((answer) => answer !== winners[0])) {
      expect([status, json.changed, json.version]).toEqual([412, ["notes"], 2]);
    }
    expect((await send("lan", "GET", "/api/clients/$acme")).json).toEqual(winners[0]!.json);
    expect((await events()).length).toBe(before + 1);
  });

  test("without a version nobody is lost: each change stands in a version of its own", async () => {
    const { send } = world();
    const fields = ["company", "position", "industry", "address", "notes"];
    const answers = await Promise.all(
      fields.map((field) => send("lan", "PATCH", "/api/clients/$acme", { body: { [field]: field } })),
    );
    expect(answers.map(({ status }) => status)).toEqual(fields.map(() => 200));
    expect(new Set(answers.map(({ json }) => json.version))).toEqual(new Set([2, 3, 4, 5, 6]));
    const { json } = await send("lan", "GET", "/api/clients/$acme");
    expect(json).toMatchObject(Object.fromEntries(fields.map((field) => [field, field])));
  });
});
