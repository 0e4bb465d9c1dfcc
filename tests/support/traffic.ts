/** Whatever may happen to records, the same for the same seed. */
import { letIn } from "./people";
import type { World } from "./scenario";

/** A generator of numbers below the one that it is given, the same ones for the same seed (mulberry32). */
export function seeded(seed: number) {
  return (below: number) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below) | 0;
  };
}
export type Random = ReturnType<typeof seeded>;

/** Those who make it. */
export const casts = ["lan", "minh", "stranger", "manager", "admin"] as const;

/** Told of every record that was tried to be changed, after each step. */
type Seen = (kind: "clients" | "tasks", id: string) => Promise<unknown>;

/** People of each role add, change, delete and restore clients and tasks, as far as they may. */
export async function traffic(world: World, steps: number, seed: number, seen?: Seen): Promise<void> {
  const { send, people, server } = world;
  const random = seeded(seed);
  const ids = { clients: [] as string[], tasks: [] as string[] };
  for (let i = 0; i < steps; i++) {
    const by = casts[random(casts.length)]!;
    const kind = random(2) === 0 ? "clients" : "tasks";
    const path = `/api/${kind}`;
    const id = ids[kind][random(ids[kind].length + 1)];
    const body = kind === "clients" ? someClient(random, world, i) : someTask(random, world, i, ids.clients);
    const chance = random(10);
    if (!id) {
      const { status, json } = await send(by, "POST", path, { body });
      if (status === 201) ids[kind].push(json.id);
    } else if (chance <= 1) await send(by, "DELETE", `${path}/${id}`);
    else if (chance <= 3) await send(by, "POST", `${path}/${id}/restore`);
    else if (chance === 4 && kind === "clients")
      await send(by, "POST", "/api/activities", { body: { client_id: id, action: "note", text: `n${i}` } });
    else await send(by, "PATCH", `${path}/${id}`, { body });
    if (random(20) === 0) await letIn(server, people[by].email);
    const touched = id ?? ids[kind].at(-1);
    if (touched !== undefined) await seen?.(kind, touched);
  }
}

const words = ["Acme", "Ánh", "a b", "株式会社", "🦊 & Sons", "x'; --", "\\", "null", "0"];

const someone = (random: Random, { people }: World) =>
  [people.lan.id, people.minh.id, people.stranger.id, null][random(4)]!;

function someClient(random: Random, world: World, i: number) {
  return {
    name: `${words[random(words.length)]} ${i}`,
    assigned_to: someone(random, world),
    status: ["prospect", "active", "inactive", "customer"][random(4)],
    ...(random(3) === 0 && { email: random(3) ? `a${random(5)}@b.vn` : null }),
    ...(random(3) === 0 && { external_id: random(3) ? `${random(5)}` : null }),
    ...(random(3) === 0 && { phone: random(3) ? `+8491234567${random(10)}` : null }),
    ...(random(3) === 0 && { tags: Array.from({ length: random(4) }, () => words[random(words.length)]) }),
    ...(random(3) === 0 && { notes: random(3) ? words[random(words.length)]!.repeat(random(3)) : null }),
  };
}

function someTask(random: Random, world: World, i: number, clients: string[]) {
  return {
    title: `${words[random(words.length)]} ${i}`,
    assigned_to: someone(random, world),
    priority: ["low", "medium", "high", "urgent"][random(4)],
    status: ["todo", "in_progress", "done"][random(3)],
    ...(random(3) === 0 && { client_id: clients[random(clients.length + 1)] ?? null }),
    ...(random(3) === 0 && { due_date: random(3) ? `2027-05-0${1 + random(9)}T09:00:00Z` : null }),
    ...(random(3) === 0 && { external_id: random(3) ? `${random(5)}` : null }),
  };
}
