/**
 * Measures what reaches many who are connected, beside a bare Bun that publishes: `bun bench/realtime.ts [clients]`.
 * Server and clients have a process each.
 */
const count = Number(process.argv[2] ?? 1_000);
const rounds = 15;
const now = () => performance.timeOrigin + performance.now();

interface Contender {
  ask(what: string): Promise<{ at: number; commits: number[]; rss: number }>;
  stop(): void;
  url: string;
  tokens: string[];
}

async function start(kind: string): Promise<Contender> {
  let answer = Promise.withResolvers<never>();
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/realtime-server.ts`, kind, String(count)], {
    ipc: (message) => answer.resolve(message as never),
    stdout: "ignore",
    stderr: "inherit",
  });
  const { url, tokens } = (await answer.promise) as { url: string; tokens: string[] };
  return {
    ...{ url, tokens },
    ask: (what) => {
      answer = Promise.withResolvers();
      child.send(what);
      return answer.promise;
    },
    stop: () => child.kill(),
  };
}

/** When each client got its last frame, and how many have. */
const received = new Float64Array(count);
let arrived = 0;
let onAll = Promise.withResolvers<void>();

function got(i: number) {
  received[i] = now();
  if (++arrived === count) onAll.resolve();
}

async function connectAll({ url, tokens }: Contender): Promise<WebSocket[]> {
  const sockets: WebSocket[] = [];
  for (let i = 0; i < count; i++) {
    const headers = tokens[i] ? { authorization: `Bearer ${tokens[i]}` } : {};
    const socket = new WebSocket(`${url.replace(/^http/, "ws").replace(/\/$/, "")}/ws`, { headers } as never);
    const ready = new Promise<void>((resolve, reject) => {
      socket.addEventListener("open", () => tokens[i] || resolve());
      socket.addEventListener("close", ({ code, reason }) => reject(new Error(`${code} ${reason}`)));
      socket.addEventListener("message", ({ data }) => {
        const { type } = JSON.parse(String(data)) as { type: string };
        if (type === "ready") socket.send('{"type":"subscribe","payload":{"topics":["clients"]}}');
        else if (type === "subscribed") resolve();
        else got(i);
      });
    });
    sockets.push(socket);
    if (i % 20 === 19) await ready;
    else ready.catch(() => {});
  }
  await Bun.sleep(1_000);
  return sockets;
}

async function measure(contender: Contender, what: string) {
  const [latencies, rates] = [[], []] as [number[], number[]];
  for (let round = 0; round < rounds; round++) {
    arrived = 0;
    onAll = Promise.withResolvers();
    const asked = contender.ask(what);
    await onAll.promise;
    const { at, commits } = await asked;
    const begun = commits ? Math.min(...commits) : at;
    rates.push((count / (Math.max(...received) - begun)) * 1_000);
    for (let i = 0; i < count; i++) latencies.push(received[i]! - (commits?.[i] ?? at));
  }
  const sorted = latencies.toSorted((a, b) => a - b);
  const quantile = (q: number) => sorted[Math.floor(sorted.length * q)]!.toFixed(1);
  const rate = rates.toSorted((a, b) => a - b)[rounds >> 1]!;
  console.log(
    `${what.padEnd(8)} ${Math.round(rate)} a second, p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms`,
  );
  return rate;
}

async function run(kind: string, whats: string[]): Promise<number[]> {
  const contender = await start(kind);
  await Bun.sleep(1_000);
  const before = (await contender.ask("rss")).rss;
  const sockets = await connectAll(contender);
  const each = ((await contender.ask("rss")).rss - before) / count / 1024;
  console.log(`${kind}: ${count} clients, ${each.toFixed(1)} KB a connection`);
  const rates: number[] = [];
  for (const what of whats) rates.push(await measure(contender, what));
  contender.stop();
  for (const socket of sockets) socket.close();
  return rates;
}

const [bare] = await run("bare", ["publish"]);
const [hint, notification] = await run("neocrm", ["hint", "notify"]);
const share = (rate: number) => `${Math.round((rate / bare!) * 100)} %`;
console.log(`of the bare rate: hints ${share(hint!)}, notifications ${share(notification!)}`);
process.exit(0);
