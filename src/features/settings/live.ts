import { isoTime } from "../../clock";
import type { Config, Key } from "../../config";
import { isFixed, sourceKind } from "../../config/sources";
import { isKey, keys, settingOf } from "../../config/table";
import { logOf } from "../../ops/logging";
import type { SettingView } from "./schema";
import type { SettingRow } from "./store";

const log = logOf("settings");

/** Where each value of the configuration comes from, as `loadConfig` says. */
export type Sources = Readonly<Record<Key, string>>;

/**
 * The settings in force, for whoever reads one at the moment it counts: what is configured, and over it what an admin
 * stored. What a variable or a flag says stands over both.
 */
export class LiveSettings {
  #values: Record<string, unknown>;
  readonly #stored = new Map<string, SettingRow>();
  readonly #listeners: ((changed: ReadonlySet<Key>) => void)[] = [];

  constructor(
    private configured: Config,
    private sources: Sources,
  ) {
    this.#values = { ...configured };
  }

  /** Goes over to another configuration; what is stored goes over it as before. */
  configure(configured: Config, sources: Sources): void {
    [this.configured, this.sources] = [configured, sources];
    const before = this.#values;
    this.#values = Object.fromEntries(keys.map((key) => [key, this.#inForce(key)]));
    const changed = new Set(keys.filter((key) => !Bun.deepEquals(before[key], this.#values[key])));
    if (changed.size > 0) for (const tell of this.#listeners) tell(changed);
  }

  /**
   * What `open` makes of the configuration, made anew whenever that changes one of `needs`.
   * @returns stands in for it: always the newest one
   */
  opened<Part extends object>(
    needs: readonly Key[],
    open: () => Part,
    close: (old: Part) => void = () => {},
  ): Part {
    let part = open();
    this.#listeners.push((changed) => {
      if (!needs.some((key) => changed.has(key))) return;
      const old = part;
      part = open();
      close(old);
    });
    return new Proxy({} as Part, { get: (_, name) => Reflect.get(part, name) as unknown });
  }

  /** The value in force right now. */
  get<Name extends Key>(key: Name): Config[Name] {
    return this.#values[key] as Config[Name];
  }

  /** All of them. */
  all(): Config {
    return this.#values as Config;
  }

  /** Takes over what is stored. Rows may come late and out of order: the newest version counts. */
  take(rows: readonly SettingRow[]): void {
    const newer = rows.filter(({ key, version }) => version > (this.#stored.get(key)?.version ?? 0));
    for (const row of newer) {
      this.#stored.set(row.key, row);
      if (!isKey(row.key) || !settingOf(row.key).changeable) continue;
      if (row.value !== null && valueOf(row.key, row) === undefined) {
        log.warn("A stored setting does not fit any more; what is configured counts", { setting: row.key });
      }
      this.#values[row.key] = this.#inForce(row.key);
    }
  }

  /** The variable or flag that says what this setting is, whatever is stored. */
  lockOf(key: Key): string | undefined {
    return isFixed(sourceKind(key, this.sources[key])) ? this.sources[key] : undefined;
  }

  /** What is stored and counts, by key. */
  stored(): Partial<Config> {
    return Object.fromEntries(
      changeable.filter((key) => this.#counts(key)).map((key) => [key, this.#values[key]]),
    );
  }

  /** Every setting that an admin may change. */
  list(): SettingView[] {
    return changeable.map((key) => this.view(key));
  }

  /** One setting as the API shows it. */
  view(key: Key): SettingView {
    const { type, default: value, describe } = settingOf(key);
    const row = this.#stored.get(key);
    return {
      ...{ key, value: this.#values[key], default: value },
      source: this.#counts(key) ? "stored" : sourceKind(key, this.sources[key]),
      source_name: this.lockOf(key) ?? null,
      locked: this.lockOf(key) !== undefined,
      ...{ schema: type.schema, expects: type.expects, description: describe },
      updated_at: row ? isoTime(row.updated_at) : null,
      updated_by: row?.updated_by ?? null,
      version: row?.version ?? neverStored,
    };
  }

  #inForce(key: Key): unknown {
    return this.#counts(key) ? valueOf(key, this.#stored.get(key)!) : this.configured[key];
  }

  #counts(key: Key): boolean {
    const row = this.#stored.get(key);
    return (
      row !== undefined &&
      settingOf(key).changeable &&
      this.lockOf(key) === undefined &&
      valueOf(key, row) !== undefined
    );
  }
}

/** The version of a setting for which nothing was ever stored. */
export const neverStored = 1;

/** What an admin may change, in the order of the table. */
const changeable = keys.filter((key) => settingOf(key).changeable);

/** The stored value, if there is one that the setting may have. */
const valueOf = (key: Key, { value }: SettingRow): unknown =>
  value === null ? undefined : settingOf(key).type.fromToml(value.value);
