import { startNeocrm, startNeocrmFreely } from "./contenders";
import { residentBytes } from "./load";
import { below, median, printTable, type Target } from "./table";

const settleMs = 2_000;

/**
 * Starts the executable several times on seeded data: how soon it answers, with all cores and with one, and the memory it
 * rests with.
 */
export async function measureStarts(dataDir: string, starts: number): Promise<Target[]> {
  const [all, one, idle]: [number[], number[], number[]] = [[], [], []];
  for (let i = 0; i < starts; i++) {
    const free = await startNeocrmFreely(dataDir);
    all.push(free.startMs);
    await Bun.sleep(settleMs);
    idle.push(residentBytes(free.pid) / 1024 / 1024);
    await free.stop();
    const confined = await startNeocrm("neocrm", dataDir);
    one.push(confined.startMs);
    await confined.stop();
  }
  printTable(
    "First answer after the start:",
    ["with all cores, ms", "with one core, ms"],
    [[median(all).toFixed(0), median(one).toFixed(0)]],
  );
  return [
    below("first answer after the start", 150, median(all), "ms"),
    below("memory, idle", 80, median(idle), "MiB"),
  ];
}
