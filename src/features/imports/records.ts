import type { TSchema } from "@sinclair/typebox";
import type { Session } from "../../db/store";
import type { Actor } from "../../policy";
import type { Left } from "../../left-out";
import type { Match, RecordRow } from "../../record-kind";

/** What records of one kind offer to those who import them. */
export interface ImportRecords {
  /** What a new one is made from, and what a change of one may have. */
  input: TSchema;
  patch: TSchema;
  /** Fields that are never absent: what is empty in a file leaves them as they are. */
  kept: readonly string[];
  createManyIn(session: Session, actor: Actor, inputs: readonly never[]): Promise<(RecordRow | Left[])[]>;
  applyIn(
    session: Session,
    actor: Actor,
    item: { id: string; known: never },
    change: { set: never },
  ): Promise<boolean | Left>;
  /** The live ones with these ids that the actor may see. */
  seenAmong(session: Session, actor: Actor, ids: readonly string[]): Promise<RecordRow[]>;
  find(session: Session, id: string): Promise<RecordRow | undefined>;
  /** Makes rows what they were in a transaction that was rolled back. */
  recall(session: Session, rows: readonly RecordRow[]): Promise<void>;
  /** The fields by which one can be found; all that are unique are among them. */
  matches: Readonly<Record<string, Match>>;
}

/** By what a record can be found: a value of a field, in the form in which it is compared. */
export interface Key {
  field: string;
  key: string;
  /** Both of them. */
  name: string;
}

/** The key of a value that has this form already. */
export const keyOf = (field: string, key: string): Key => ({ field, key, name: `${field} ${key}` });

/** By what a record, or the values of a row, can be found: by these fields, or by all that there are. */
export function keysOf(
  { matches }: Pick<ImportRecords, "matches">,
  values: object,
  fields: readonly string[] = Object.keys(matches),
): Key[] {
  return fields.flatMap((field) => {
    const value = (values as Record<string, unknown>)[field];
    return typeof value === "string" ? [keyOf(field, matches[field]!.key(value))] : [];
  });
}

/** The same keys by their names. */
export const namesOf = (records: Pick<ImportRecords, "matches">, values: object): string[] =>
  keysOf(records, values).map(({ name }) => name);
