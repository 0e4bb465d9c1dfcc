/**
 * What a company does with its CRM all day, as numbers: shared by the generator (`day.ts`) and the scripts for k6, so it uses nothing
 * of either.
 */

/** A stretch of time at whose end so many operations a second begin; the rate goes there in a straight line. */
export interface Stage {
  seconds: number;
  rate: number;
}

/** For so long more and more people come in the morning, while the server compiles what they use. */
const warmUpSeconds = 30;

/** The courses that a load can take. `rate` is what the server is meant to bear. */
export const profiles = {
  /** Ten minutes of a busy day. */
  day: (rate: number, seconds = 600): Stage[] => [
    { seconds: warmUpSeconds, rate },
    { seconds, rate },
  ],
  /** More and more, up to twice as much: where does it begin to hurt? */
  ramp: (rate: number, seconds = 300): Stage[] => [
    { seconds: seconds * 0.9, rate: rate * 2 },
    { seconds: seconds * 0.1, rate: rate * 2 },
  ],
  /** Half of it for long: what grows that should not? */
  soak: (rate: number, seconds = 3600): Stage[] => [
    { seconds: warmUpSeconds, rate: rate / 2 },
    { seconds, rate: rate / 2 },
  ],
  /** Little, then at once three times as much, then little: does it come back? */
  spike: (rate: number, seconds = 120): Stage[] => [
    { seconds: seconds / 4, rate: rate / 5 },
    { seconds: 1, rate: rate * 3 },
    { seconds: seconds / 4 - 1, rate: rate * 3 },
    { seconds: 1, rate: rate / 5 },
    { seconds: seconds / 2 - 1, rate: rate / 5 },
  ],
} satisfies Record<string, (rate: number, seconds?: number) => Stage[]>;

/** One of those courses. */
export type Profile = keyof typeof profiles;

/** How many operations a second begin at this moment of the course; `undefined` when it is over. */
export function rateAt(stages: readonly Stage[], second: number): number | undefined {
  let [begun, rate] = [0, 0];
  for (const stage of stages) {
    if (second < begun + stage.seconds) {
      return rate + (stage.rate - rate) * ((second - begun) / stage.seconds);
    }
    [begun, rate] = [begun + stage.seconds, stage.rate];
  }
  return undefined;
}

/** What kinds of operations there are, and the share of each. */
export const mix = { read: 0.7, search: 0.15, write: 0.1, realtime: 0.05 } as const;
export type Kind = keyof typeof mix;

/** What there is to work with. */
export interface Records {
  clients: readonly string[];
  tasks: readonly string[];
  /** How many clients there are, where those are not all; named and numbered as `seed.ts` does. */
  count?: number;
}

/** A request over HTTP. */
export interface Call {
  kind: Exclude<Kind, "realtime">;
  method: "GET" | "POST" | "PATCH";
  path: string;
  body?: string;
}

/** Which kind an operation is. @param share from 0 to 1 */
export function kindOf(share: number): Kind {
  let upTo = 0;
  for (const [kind, part] of Object.entries(mix)) if (share < (upTo += part)) return kind as Kind;
  return "read";
}

/**
 * The next request of a kind.
 * @param number never the same twice in a run: names and search terms follow from it
 * @param random as `Math.random`
 */
export function callOf(kind: Call["kind"], number: number, records: Records, random: () => number): Call {
  const one = (of: readonly string[]) => of[Math.floor(random() * of.length)]!;
  if (kind === "search") return { kind, method: "GET", path: searchPath(number, records, random) };
  if (kind === "write") return { kind, ...write(number, records, one, random) };
  return { kind, method: "GET", path: readPath(records, one, random) };
}

type One = (of: readonly string[]) => string;

/** Most often somebody opens what they just saw in a list. */
function readPath({ clients, tasks }: Records, one: One, random: () => number): string {
  const paths: [share: number, path: () => string][] = [
    [0.3, () => `/api/clients/${one(clients)}`],
    [0.15, () => `/api/tasks/${one(tasks)}`],
    [0.15, () => "/api/clients?count=none"],
    [0.08, () => `/api/clients?count=none&status=${one(["active", "prospect", "customer", "inactive"])}`],
    [0.1, () => `/api/tasks?count=none&status=${one(["todo", "in_progress"])}&sort=due_date`],
    [0.06, () => `/api/tasks?count=none&filter[client_id]=${one(clients)}`],
    [0.06, () => `/api/clients/${one(clients)}/timeline?limit=20`],
    [0.05, () => "/api/notifications?count=none"],
    [0.05, () => "/api/users/me"],
  ];
  let left = random();
  return (paths.find(([share]) => (left -= share) < 0) ?? paths[0]!)[1]();
}

const firstNames = "luis leonie francois bjorn daan kara jack hannah stanislaw terhi".split(" ");
const lastNames = "goncalves kohler tremblay hansen peeters nielsen smith wojcik muller dang".split(" ");

/** What people type who look for a client by its number: most find it, some mistype. */
const forms: ((n: number, first: string, last: string) => string)[] = [
  (n, first, last) => `${first} ${last} ${n}`,
  (n, _, last) => `${last} ${n}`,
  (n, first) => `${first} ${n}`,
  (n, _, last) => `${last.slice(0, 3)} ${n}`,
  (n) => `client${n}`,
  (n) => `client${n}@exam`,
  (n) => String(20_000_000 + n),
  (n) => `offer ${n}`,
  (n, first) => `company ${n % 5_000} ${first} ${n}`,
  (n, first, last) => `${first} ${last.slice(0, 3)}x${last.slice(4)} ${n}`,
];

/** Words that somebody types once: none is searched for twice, so nothing can be kept from the time before. */
function searchPath(
  number: number,
  { clients, count = clients.length }: Records,
  random: () => number,
): string {
  const [n, round] = [number % count, Math.floor(number / count)];
  const form = forms[(n + round) % forms.length]!;
  // When every client was looked for in every way, what is left is what nobody has.
  const further = round < forms.length ? "" : ` ${number}`;
  const text = form(n, firstNames[n % 10]!, lastNames[Math.floor(n / 10) % 10]!) + further;
  const term = encodeURIComponent(text);
  return random() < 0.5 ? `/api/search?q=${term}` : `/api/clients?count=none&q=${term}`;
}

function write(
  number: number,
  { clients, tasks }: Records,
  one: One,
  random: () => number,
): Pick<Call, "method" | "path" | "body"> {
  const share = random();
  const json = JSON.stringify;
  if (share < 0.4) {
    const body = json({ notes: `Called, for the ${number}th time.` });
    return { method: "PATCH", path: `/api/clients/${one(clients)}`, body };
  }
  if (share < 0.65) {
    const email = `new-${number}-${Math.floor(random() * 1e9)}@day.example`;
    const body = json({ name: `New Client ${number}`, email, company: "Köhler & Söhne", tags: ["new"] });
    return { method: "POST", path: "/api/clients", body };
  }
  if (share < 0.85) {
    const body = json({ title: `Call back ${number}`, client_id: one(clients), priority: "high" });
    return { method: "POST", path: "/api/tasks", body };
  }
  const body = json({ description: `Looked at it, for the ${number}th time.` });
  return { method: "PATCH", path: `/api/tasks/${one(tasks)}`, body };
}
