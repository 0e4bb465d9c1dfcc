/** Random clients with many ties and gaps, and random queries about them. Repeatable by their seed. */
import { clientFields } from "../../../src/features/clients/fields";
import type { ClientRow } from "../../../src/features/clients/store";
import type { Field, Operator } from "../../../src/list";
import { isoTime } from "../../../src/clock";
import { randomNumbers } from "../integrations/random";
import { client, start, users } from "./support";

const names = [
  "Stanisław",
  "STANISLAW",
  "Bjørn",
  "bjorn",
  "Đặng",
  "Zoë",
  "Zo",
  "O'Neil",
  "李雷",
  "𠮷野",
  "50%_off",
];
const companies = [null, null, "Acme", "acmé", "Żabka, Ltd", "back\\slash", "Œuvre", "Ærø", "acme sub"];
const emails = [null, "a@example.com", "A@example.com", "b@example.com", "é@example.fr"];
const phones = [null, "0901234567", "+84901234567", "+48 22 123 45 67", "ask Bjørn"];
const tags = ["vip", "VIP", "Hà Nội", "Kraków", "a,b"];
const statuses = ["prospect", "active", "inactive", "customer"] as const;
const instants = [0, 1, 2, 3_600_000, 86_400_000].map((distance) => start - distance);

/** Picks from a seed. */
export class Picker {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = randomNumbers(seed);
  }

  /** A whole number from `low` to `high`, both included. */
  number(low: number, high: number) {
    return low + Math.floor(this.#next() * (high - low + 1));
  }

  of<T>(items: readonly T[]): T {
    return items[this.number(0, items.length - 1)]!;
  }

  some<T>(items: readonly T[], most: number): T[] {
    return Array.from({ length: this.number(0, most) }, () => this.of(items));
  }
}

export const randomClient = (pick: Picker): ClientRow =>
  client({
    name: pick.of(names),
    company: pick.of(companies),
    email: pick.of(emails),
    phone: pick.of(phones),
    status: pick.of(statuses),
    assigned_to: pick.of([null, users.lan, users.minh]),
    tags: [...new Set(pick.some(tags, 3))],
    created_at: pick.of(instants),
    updated_at: pick.of(instants),
    deleted_at: pick.of([null, null, null, start]),
    version: pick.number(1, 3),
  });

const samples: Record<string, readonly string[]> = {
  name: names,
  company: companies.filter((company) => company !== null),
  email: emails.filter((email) => email !== null),
  phone: phones.filter((phone) => phone !== null),
  status: statuses,
  assigned_to: Object.values(users),
  tags,
  created_at: [...instants.map(isoTime), "now-1h", "today"],
  updated_at: instants.map(isoTime),
  version: ["1", "2", "3"],
};

/** Up to three filters and three sort keys, without paging. */
export function randomQuery(pick: Picker): Record<string, string> {
  const query: Record<string, string> = {};
  for (const name of pick.some(Object.keys(samples), 3)) {
    const field = clientFields.byName.get(name)!;
    const op = pick.of(field.operators);
    query[`filter[${name}][${op}]`] = randomValue(pick, field, op);
  }
  const keys = new Set(pick.some(clientFields.sortKeys, 3));
  if (keys.size > 0) query.sort = [...keys].map((key) => pick.of(["", "-"]) + key).join();
  const deleted = pick.of([undefined, undefined, "only", "with"]);
  return deleted ? { ...query, deleted } : query;
}

/** Conditions in groups within groups, as a query has them; of each group, one that is met is enough. */
export function randomGroups(pick: Picker, depth = 2, prefix = "filter"): Record<string, string> {
  const groups = Array.from({ length: pick.number(1, 3) }, (_, i) => {
    const place = `${prefix}[or][${i}]`;
    if (depth > 0 && pick.number(0, 2) === 0) return randomGroups(pick, depth - 1, place);
    // A field may stand twice in a group, in an `and` of its own.
    const conditions = Array.from({ length: pick.number(1, 2) }, (_, n) => {
      const field = clientFields.byName.get(pick.of(Object.keys(samples)))!;
      const op = pick.of(field.operators);
      return [`${place}[and][${n}][${field.name}][${op}]`, randomValue(pick, field, op)];
    });
    return Object.fromEntries(conditions) as Record<string, string>;
  });
  return Object.assign({}, ...groups) as Record<string, string>;
}

function randomValue(pick: Picker, field: Field, op: Operator): string {
  const one = () => pick.of(samples[field.name]!);
  const listed = (count: number) =>
    Array.from({ length: count }, () => one().replace(/[\\,]/g, "\\$&")).join();
  if (op === "is_null") return pick.of(["true", "false"]);
  if (op === "between") return listed(2);
  if (op === "in" || op === "nin" || op === "all") return listed(pick.number(1, 3));
  if (op !== "contains" && op !== "starts_with") return one();
  const letters = [...one()];
  const from = op === "contains" ? pick.number(0, letters.length - 1) : 0;
  return letters.slice(from, pick.number(from + 1, letters.length)).join("");
}
