import { startNeocrm } from "./contenders";
import { residentBytes } from "./load";
import { below, median, type Target } from "./table";

const settleMs = 2_000;

/** Starts the executable several times on seeded data: how soon it answers, and the memory it rests with. */
export async function measureStarts(dataDir: string, starts: number): Promise<Target[]> {
  const times: number[] = [];
  const idle: number[] = [];
  for (let i = 0; i < starts; i++) {
    const server = await startNeocrm("neocrm", dataDir);
    times.push(server.startMs);
    await Bun.sleep(settleMs);
    idle.push(residentBytes(server.pid) / 1024 / 1024);
    await server.stop();
  }
  return [
    below("first answer after the start", 150, median(times), "ms"),
    below("memory, idle", 80, median(idle), "MiB"),
  ];
}
