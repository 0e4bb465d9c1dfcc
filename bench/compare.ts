import type { Case } from "./cases";
import type { Contender } from "./contenders";
import { burst, type Load, type Measure } from "./load";
import { atLeast, below, median, printTable, type TableRow, type Target } from "./table";

/** How long and how often each case is sent to each contender. */
export interface Rounds {
  rounds: number;
  seconds: number;
}

type Measures = Map<string, Measure[]>;
type Figure = keyof Measure;

const header = [
  ...["case", "server", "req/s", "of the floor", "× fastify", "p50 ms", "p95 ms", "p99 ms"],
  ...["CPU µs", "RSS MiB", "errors"],
];

/** Until then compilers are at work beside the server, on its core: a tenth of what a create takes. */
const warmUpSeconds = 5;

/** Sends each case to one contender after the other, round by round, and prints a table. Gives what is wanted of neocrm. */
export async function compare(
  contenders: Contender[],
  cases: Case[],
  load: Pick<Load, "idsFile" | "users" | "connections">,
  { rounds, seconds }: Rounds,
): Promise<Target[]> {
  const rows: TableRow[] = [];
  const targets: Target[] = [];
  for (const { name, wanted, ...sent } of cases) {
    const measures: Measures = new Map(contenders.map((contender) => [contender.name, []]));
    const send = async (contender: Contender, length: number) => {
      await syncDisk();
      return burst(contender, { ...load, ...sent, tokens: contender.tokens, seconds: length });
    };
    for (const contender of contenders) await send(contender, warmUpSeconds);
    for (let round = 0; round < rounds; round++) {
      for (const contender of contenders) measures.get(contender.name)!.push(await send(contender, seconds));
    }
    rows.push(...contenders.map((contender) => row(name, contender.name, measures)));
    targets.push(...targetsOf(name, wanted, measures));
  }
  printTable("Cases:", header, rows);
  return targets;
}

/** What the one before wrote and left to the system is on the disk by then: the syncs of the next would wait for it. */
export const syncDisk = (): Promise<number> => Bun.spawn(["sync"]).exited;

function row(name: string, contender: string, measures: Measures): TableRow {
  const middle = (figure: Figure) => median(measures.get(contender)!.map((measure) => measure[figure]));
  return [
    ...[name, contender, Math.round(middle("requestsPerSecond")).toLocaleString("en")],
    ...["floor", "fastify"].map((other) => ratio(measures, contender, other).toFixed(2)),
    ...(["p50", "p95", "p99"] as const).map((figure) => middle(figure).toFixed(1)),
    ...[middle("cpuMicros").toFixed(0), Math.round(middle("rss") / 1024 / 1024), middle("errors")],
  ];
}

/** The ratio within each round, and of these the one in the middle: what slows the machine slows both. */
function ratio(measures: Measures, contender: string, other: string): number {
  const others = measures.get(other)!;
  return median(
    measures
      .get(contender)!
      .map(({ requestsPerSecond }, round) => requestsPerSecond / others[round]!.requestsPerSecond),
  );
}

function targetsOf(
  name: string,
  { ofFloor, timesFastify, p99 }: Case["wanted"],
  measures: Measures,
): Target[] {
  const own = (figure: Figure) => median(measures.get("neocrm")!.map((measure) => measure[figure]));
  const targets: Target[] = [];
  if (ofFloor) targets.push(atLeast(`${name}, of the floor`, ofFloor, ratio(measures, "neocrm", "floor")));
  if (timesFastify) {
    targets.push(atLeast(`${name}, times fastify`, timesFastify, ratio(measures, "neocrm", "fastify")));
  }
  if (p99) targets.push(below(`${name}, p99`, p99, own("p99"), "ms"));
  return targets;
}
