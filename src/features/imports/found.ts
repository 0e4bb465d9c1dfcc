import type { Session } from "../../db/store";
import type { Actor } from "../../policy";
import type { RecordRow } from "../../record-kind";
import { keyOf, keysOf, type ImportRecords, type Key } from "./records";

/**
 * The records that some rows are about, looked up all at once: a statement for each field, and one for the records. What is
 * done with one of them is told, and what may have become of it is looked up anew.
 */
export class Found {
  readonly #byKey = new Map<string, readonly RecordRow[]>();

  constructor(
    private readonly records: Pick<ImportRecords, "matches" | "seenAmong">,
    /** The fields by which they are found. */
    private readonly fields: readonly string[],
    private readonly by: { session: Session; actor: Actor },
  ) {}

  /** Looks up, with few statements, what is asked for later. */
  async prepare(keys: readonly Key[]): Promise<void> {
    const { session, actor } = this.by;
    const holders = new Map<string, string[]>(keys.map(({ name }) => [name, []]));
    for (const [field, some] of Map.groupBy(keys, (key) => key.field)) {
      const wanted = [...new Set(some.map(({ key }) => key))];
      const match = this.records.matches[field]!;
      for (const { id, value } of await match.holders(session, JSON.stringify(wanted)))
        holders.get(keyOf(field, value).name)!.push(id);
    }
    const ids = [...new Set([...holders.values()].flat())];
    const seen = ids.length === 0 ? [] : await this.records.seenAmong(session, actor, ids);
    const rows = new Map(seen.map((row) => [row.id, row]));
    for (const [name, some] of holders)
      this.#byKey.set(
        name,
        some.flatMap((id) => rows.get(id) ?? []),
      );
  }

  /** The live records with this key that the actor may see. */
  async with(key: Key): Promise<readonly RecordRow[]> {
    if (!this.#byKey.has(key.name)) await this.prepare([key]);
    return this.#byKey.get(key.name)!;
  }

  /** A record was added or changed: who has the keys that it had, or has by now, is no longer known. */
  forget(...values: readonly object[]): void {
    for (const each of values)
      for (const { name } of keysOf(this.records, each, this.fields)) this.#byKey.delete(name);
  }
}
