/** Every write leaves one event, and the events of a client are enough to rebuild it. */
import { expect, test } from "bun:test";
import type { Name } from "../support/people";
import { inWorld, type Answer, type EventRow, type World } from "../support/scenario";
import { seeded, type Random } from "../support/traffic";

/** The record as its events tell it. */
function rebuild(events: EventRow[]): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  for (const { changes, version, created_at } of events) {
    for (const [field, [before, after]] of Object.entries(changes)) {
      // What an event calls the value before is what the events before it made.
      expect([field, before]).toEqual([field, record[field] ?? null]);
      record[field] = after;
    }
    Object.assign(record, { version, updated_at: new Date(created_at).toISOString() });
  }
  return record;
}

const eventsOf = async (world: World, id: string) =>
  (await world.events()).filter(({ entity_id }) => entity_id === id).sort((a, b) => a.version - b.version);

const words = ["Acme", "Ánh", "a b", "株式会社", "🦊 & Sons", "x'; --", "\\", "null", "0"];
const emails = ["a@b.vn", "c@d.vn", "đ@e.vn"];

function randomPatch(random: Random, people: World["people"]): Record<string, unknown> {
  const word = () => words[random(words.length)]!;
  const orNull = (value: unknown) => (random(4) === 0 ? null : value);
  const makers: Record<string, () => unknown> = {
    name: word,
    external_id: () => orNull(`${random(3)}`),
    email: () => orNull(emails[random(emails.length)]),
    phone: () => orNull(`+8491234567${random(10)}`),
    company: () => orNull(word()),
    position: () => orNull(word()),
    industry: () => orNull(word()),
    address: () => orNull(word()),
    status: () => ["prospect", "active", "inactive", "customer"][random(4)],
    assigned_to: () => orNull([people.minh, people.lan, people.stranger][random(3)]!.id),
    tags: () => Array.from({ length: random(4) }, () => word()),
    notes: () => orNull(word().repeat(random(3))),
    avatar_url: () => orNull(`https://a.vn/${random(3)}.png`),
  };
  const names = Object.keys(makers).filter(() => random(4) === 0);
  return Object.fromEntries(names.map((name) => [name, makers[name]!()]));
}

/** One thing that can happen to a client; what it should leave is not asked here. */
async function happen(random: Random, { send, people }: World, id: string): Promise<Answer> {
  const path = `/api/clients/${id}`;
  const by: Name = (["lan", "manager", "admin", "stranger"] as const)[random(4)]!;
  const chance = random(10);
  if (chance === 0) return send(by, "DELETE", path);
  if (chance <= 2) return send(by, "POST", `${path}/restore`);
  return send(by, "PATCH", path, { body: randomPatch(random, people) });
}

inWorld("the events of a client", { clients: { rival: { email: "a@b.vn", external_id: "0" } } }, (world) => {
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    test(`rebuild it after whatever happened (seed ${seed})`, async () => {
      const random = seeded(seed);
      const { send, people } = world();
      const made = await send("lan", "POST", "/api/clients", {
        body: { name: "Acme", ...randomPatch(random, people) },
      });
      const id = made.status === 201 ? made.json.id : world().ids.rival!;
      const seen = new Map<number, unknown>();
      for (let step = 0; step < 40; step++) {
        const before = (await eventsOf(world(), id)).length;
        const answer = await happen(random, world(), id);
        const after = await eventsOf(world(), id);
        expect([200, 204, 403, 404, 409, 410]).toContain(answer.status);
        if (answer.status >= 400) expect(after).toHaveLength(before);
        else expect(after.length - before).toBeLessThanOrEqual(1);
        const shown = await send("admin", "GET", `/api/clients?deleted=with&filter[version]=${after.length}`);
        const record = shown.json.data.find((client: { id: string }) => client.id === id);
        expect(rebuild(after)).toEqual(record);
        if (answer.status === 200) expect(answer.json).toEqual(record);
        seen.set(record.version, record);
      }
      // Each event leads from one version to the next, and from the first to any of them.
      const events = await eventsOf(world(), id);
      expect(events.map(({ version }) => version)).toEqual(events.map((_, i) => i + 1));
      for (const [version, record] of seen)
        expect(rebuild(events.slice(0, version)) as unknown).toEqual(record);
    });
  }

  test("say who did it, when, and in which request", async () => {
    const { send, people, events } = world();
    const headers = { "x-request-id": "trace-0123456789" };
    const made = await send("lan", "POST", "/api/clients", { body: { name: "New" }, headers });
    const [event] = (await events()).slice(-1);
    expect(event).toMatchObject({
      type: "client.created",
      entity_type: "client",
      entity_id: made.json.id,
      version: 1,
      actor_kind: "user",
      actor_id: people.lan.id,
      request_id: "trace-0123456789",
      created_at: Date.parse(made.json.created_at),
    });
    const fields = Object.entries(made.json).map(([field, value]) => [field, [null, value]]);
    expect(event!.changes).toEqual(Object.fromEntries(fields));
  });

  test("never tell more than changed", async () => {
    const { send, events } = world();
    await send("lan", "PATCH", "/api/clients/$rival", {
      body: { notes: "n", name: "rival", email: "a@b.vn" },
    });
    expect((await events()).at(-1)!.changes).toEqual({ notes: [null, "n"] });
  });
});
