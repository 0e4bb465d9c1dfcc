/** Whatever is typed is answered, and what is counted agrees with the lists. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { inWorld, type Setting, type World } from "../support/scenario";
import type { Name } from "../support/people";

setDefaultTimeout(120_000);

const callers = ["lan", "minh", "admin", "stranger"] as const satisfies readonly Name[];
const words = [
  "Hansen",
  "Đặng",
  "Größe",
  "ﬁne",
  "acme",
  "annabel",
  "ann",
  "22",
  "4722",
  "o'brien",
  "東京",
  "hansem",
];
const industries = ["Shipping", "shipping", "Retail", null];
const seed = Number(process.env["SEED"] ?? Date.now() % 100_000);

/** Numbers that a seed repeats. */
function numbers(state: number) {
  return (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

const setting: Setting = {
  env: { NEOCRM_VISIBILITY_CLIENTS: "own" },
  clients: Object.fromEntries(
    Array.from({ length: 24 }, (_, i) => [
      `c${i}`,
      {
        by: callers[i % 3],
        name: `${words[i % words.length]} ${words[(i * 5 + 1) % words.length]}`,
        industry: industries[i % 4],
        status: (["prospect", "active", "customer"] as const)[i % 3],
        tags: i % 2 === 0 ? ["VIP", "north"] : ["vip"],
        phone: `+47 22 44 ${10 + i} 22`,
        ...(i % 5 === 0 && { assigned_to: "$minh" }),
        ...(i % 11 === 0 && { deleted: true }),
      },
    ]),
  ),
  tasks: Object.fromEntries(
    Array.from({ length: 16 }, (_, i) => [
      `t${i}`,
      {
        by: callers[i % 3],
        title: `${words[(i * 7) % words.length]} call`,
        priority: (["low", "high"] as const)[i % 2],
        ...(i % 3 === 0 && { assigned_to: "$minh" }),
      },
    ]),
  ),
};

const total = async (world: World, by: Name, path: string): Promise<number> => {
  const { status, json } = await world.send(by, "GET", path);
  expect({ path, status }).toEqual({ path, status: 200 });
  return json.pagination.total;
};

const listsOf = {
  clients: ["status", "industry", "assigned_to", "tags"],
  tasks: ["status", "priority", "assigned_to"],
};

inWorld(`searches, SEED=${seed}`, setting, (world) => {
  test("facets are the totals of the same caller's lists", async () => {
    const pick = numbers(seed);
    for (let round = 0; round < 40; round++) {
      const by = callers[pick(callers.length)]!;
      const text = Array.from({ length: 1 + pick(2) }, () => {
        const word = words[pick(words.length)]!;
        const part = pick(3) === 0 ? word.slice(0, 1 + pick(word.length)) : word;
        return pick(6) === 0 ? `-${part}` : pick(6) === 0 ? `"${part}"` : part;
      }).join(" ");
      const q = `q=${encodeURIComponent(text)}`;
      const { json } = await world().send(by, "GET", `/api/search?${q}`);
      expect(json.facets_capped).toBe(false);
      const type = Object.fromEntries(json.facets.type.map((facet: Facet) => [facet.value, facet.count]));
      for (const resource of ["clients", "tasks"] as const) {
        expect([by, text, resource, type[resource] ?? 0]).toEqual([by, text, resource, await total(world(), by, `/api/${resource}?${q}`)]); // prettier-ignore
      }
      for (const name of ["status", "priority", "industry", "assigned_to", "tags"] as const) {
        for (const { value, count } of json.facets[name] as Facet[]) {
          const condition = value === null ? `filter[${name}][is_null]=true` : `filter[${name}]=${value}`;
          let sum = 0;
          for (const [resource, fields] of Object.entries(listsOf)) {
            const isThere = fields.includes(name) && (name !== "status" || isStatusOf(resource, value));
            if (isThere) sum += await total(world(), by, `/api/${resource}?${q}&${condition}`);
          }
          expect([by, text, name, value, count]).toEqual([by, text, name, value, sum]);
        }
      }
    }
  });

  test("no text is an error", async () => {
    const pick = numbers(seed);
    const signs = [..."aåß東ﬁ😀\u0301\u200d\ud7ff'\"“-+()*?%_\\/:;&|!<>@.,~^{}[]\n\t 0123AND OR NOT NEAR"];
    for (let round = 0; round < 120; round++) {
      const text = Array.from(
        { length: 1 + pick(round % 10 === 0 ? 900 : 14) },
        () => signs[pick(signs.length)],
      ).join("");
      const q = encodeURIComponent(text);
      for (const path of [`search?q=${q}`, `clients?q=${q}`, `tasks/search?q=${q}&sort=title`]) {
        const { status } = await world().send("lan", "GET", `/api/${path}`);
        expect([text, path, status]).toEqual([text, path, 200]);
      }
    }
  });

  test("a list that is searched is walked whole, also where a letter was forgiven", async () => {
    for (const q of ["vip", "hansem", "acmee"]) {
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const path: string = `/api/clients?q=${q}&limit=2&sort=name${cursor === null ? "" : `&cursor=${cursor}`}`;
        const { json } = await world().send("admin", "GET", path);
        seen.push(...json.data.map(({ id }: { id: string }) => id));
        cursor = json.pagination.next_cursor;
      } while (cursor !== null);
      expect(seen.length).toBeGreaterThan(2);
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen.length).toBe(await total(world(), "admin", `/api/clients?q=${q}`));
    }
  });
});

interface Facet {
  value: string | null;
  count: number;
}

const isStatusOf = (resource: string, value: string | null) =>
  (resource === "tasks") === ["todo", "in_progress", "done", "cancelled"].includes(value ?? "");
