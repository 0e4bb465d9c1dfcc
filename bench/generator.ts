import type { Contender } from "./contenders";
import { Connection } from "./http";
import { Listeners } from "./listeners";
import { cpuSeconds, residentBytes } from "./load";
import { callOf, kindOf, rateAt, type Kind, type Records, type Stage } from "./traffic";

/** What was seen of server and load within some seconds. */
export interface Sample {
  /** Processor time of the server and of this process for each operation, in microseconds. */
  cpuMicros: number;
  loadMicros: number;
  /** Resident memory of the server, in bytes. */
  rss: number;
}

const sockets = 60;
const connectionsAtFirst = 32;
const sampleMs = 10_000;

/** Sends operations when they are due, and measures each from then. */
export class Generator {
  /** Milliseconds of each operation that succeeded. */
  readonly times: Record<Kind, number[]> = { read: [], search: [], write: [], realtime: [] };
  /** What went wrong, and how often. */
  readonly errors = new Map<string, number>();
  readonly samples: Sample[] = [];
  /** How long it took, without the first stage: in that, the server warms up. */
  seconds = 0;
  /** Below which 99 of 100 timers of the server were late, in seconds. */
  delay = 0;

  readonly #free: Connection[] = [];
  readonly #listeners: Listeners;
  readonly #heads: string[];
  /** Of the present sample. */
  readonly #latest: number[] = [];
  #begun = 0;
  #ended = 0;

  constructor(
    private readonly server: Contender,
    private readonly records: Records,
    private readonly stages: readonly Stage[],
    /** Nothing but operations of this kind, to see what one costs. */
    private readonly only?: Kind,
  ) {
    const { host } = new URL(server.url);
    this.#heads = server.tokens.map((token) => `Host: ${host}\r\nAuthorization: Bearer ${token}\r\n`);
    this.#listeners = new Listeners(server.url, server.tokens);
    for (let i = 0; i < connectionsAtFirst; i++) this.#free.push(this.#connection());
  }

  /** Runs the whole course. */
  async run(): Promise<void> {
    await this.#listeners.open(sockets);
    const running = new Set<Promise<void>>();
    const warm = this.stages.length > 1 ? this.stages[0]!.seconds : 0;
    const before = await this.#delays();
    const begin = performance.now();
    const sampling = this.#sampling();
    let due = 0;
    for (;;) {
      const now = (performance.now() - begin) / 1_000;
      for (; due <= now; due += this.#gap(due)) {
        const counts = due >= warm;
        const operation = this.#operate(begin + due * 1_000, counts).finally(() => running.delete(operation));
        running.add(operation);
      }
      if (due === Infinity) break;
      await Bun.sleep(1);
    }
    await Promise.all(running);
    this.seconds = (performance.now() - begin) / 1_000 - warm;
    clearInterval(sampling);
    this.delay = quantileOf(before, await this.#delays());
    this.#listeners.close();
  }

  /** Seconds until the next operation: as if many people acted without knowing of each other. */
  #gap(due: number): number {
    const rate = rateAt(this.stages, due);
    if (rate === undefined) return Infinity;
    return -Math.log(1 - Math.random()) / Math.max(rate, 1);
  }

  async #operate(dueAt: number, counts: boolean): Promise<void> {
    const number = this.#begun++;
    const kind = this.only ?? kindOf(Math.random());
    try {
      await (kind === "realtime" ? this.#listen(number) : this.#call(kind, number));
      const took = performance.now() - dueAt;
      this.#latest.push(took);
      if (counts) this.times[kind].push(took);
    } catch (error) {
      const what = `${kind}: ${(error as Error).message}`;
      this.errors.set(what, (this.errors.get(what) ?? 0) + 1);
    }
    this.#ended++;
  }

  #listen(number: number): Promise<void> {
    const { clients } = this.records;
    return this.#listeners.act(number, [`clients/${clients[number % clients.length]}`]);
  }

  async #call(kind: Exclude<Kind, "realtime">, number: number): Promise<void> {
    const { method, path, body } = callOf(kind, number, this.records, Math.random);
    const head = this.#heads[number % this.#heads.length]!;
    const length = body === undefined ? "" : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
    const type = body === undefined ? "" : "Content-Type: application/json\r\n";
    const connection = this.#free.pop() ?? this.#connection();
    const { status } = await connection.send(
      `${method} ${path} HTTP/1.1\r\n${head}${type}${length}\r\n${body ?? ""}`,
    );
    this.#free.push(connection);
    if (status < 200 || status > 299)
      throw new Error(`${method} ${path.replace(/[?].*|[0-9a-f-]{36}/g, "…")} ${status}`);
  }

  #connection(): Connection {
    const { hostname, port } = new URL(this.server.url);
    return new Connection(hostname, Number(port));
  }

  #sampling(): Timer {
    let [ended, server, own] = [this.#ended, cpuSeconds(this.server.pid), process.cpuUsage()];
    let seen = 0;
    return setInterval(() => {
      const count = Math.max(1, this.#ended - ended);
      const used = process.cpuUsage(own);
      const sample = {
        cpuMicros: ((cpuSeconds(this.server.pid) - server) * 1e6) / count,
        loadMicros: (used.user + used.system) / count,
        rss: residentBytes(this.server.pid),
      };
      this.samples.push(sample);
      [ended, server, own] = [this.#ended, cpuSeconds(this.server.pid), process.cpuUsage()];
      const times = this.#latest.splice(0).toSorted((a, b) => a - b);
      console.error(
        `${(++seen * sampleMs) / 1_000} s: ${(count / (sampleMs / 1_000)).toFixed(0)} a second, ${sample.cpuMicros.toFixed(0)} µs of the server and ` +
          `${sample.loadMicros.toFixed(0)} of the load each, ${(sample.rss / 2 ** 20).toFixed(0)} MiB, p99 ${times[Math.floor(times.length * 0.99)]?.toFixed(1)} ms`,
      );
    }, sampleMs);
  }

  /** How late the server's timers were until now: upper bounds and how many were below. */
  async #delays(): Promise<[bound: number, below: number][]> {
    const headers = { authorization: `Bearer ${this.server.tokens[0]}` };
    const text = await (await fetch(`${this.server.url}/metrics`, { headers })).text();
    const lines = text.matchAll(/^neocrm_event_loop_delay_seconds_bucket\{le="(.+)"\} (\d+)$/gm);
    return [...lines].map(([, bound, below]) => [bound === "+Inf" ? Infinity : Number(bound), Number(below)]);
  }
}

/** The bound below which 99 of 100 are that came between two looks. */
function quantileOf(before: [number, number][], after: [number, number][]): number {
  const below = after.map(([bound, count], i) => [bound, count - before[i]![1]] as const);
  const all = below.at(-1)![1];
  return below.find(([, count]) => count >= all * 0.99)![0];
}
