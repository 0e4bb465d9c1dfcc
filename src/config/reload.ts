import type { LoadedConfig } from "./load";
import { keys, settingOf, type Key } from "./table";

/** What reading the configuration anew changes in a server that runs. */
export interface Reloaded {
  /** What the server goes on with: what needs a restart is as it was. */
  next: LoadedConfig;
  /** What is different from now on. */
  changed: Key[];
  /** What is different and needs a restart to count. */
  waiting: Key[];
}

/** Compares what a server runs with, and what it would start with now. */
export function reloaded(running: LoadedConfig, fresh: LoadedConfig): Reloaded {
  const different = keys.filter((key) => !Bun.deepEquals(running.config[key], fresh.config[key]));
  const taken = keys.filter((key) => settingOf(key).reloads);
  const pick = <Value>(from: Readonly<Record<Key, Value>>) =>
    Object.fromEntries(taken.map((key) => [key, from[key]]));
  return {
    next: {
      ...running,
      config: { ...running.config, ...pick<unknown>(fresh.config) },
      sources: { ...running.sources, ...pick(fresh.sources) },
      strangers: fresh.strangers,
    },
    changed: different.filter((key) => settingOf(key).reloads),
    waiting: different.filter((key) => !settingOf(key).reloads),
  };
}
