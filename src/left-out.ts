import type { Session } from "./db/store";
import type { Refusal } from "./errors";
import type { Recorded } from "./events/record";
import type { RecordKind, RecordRow } from "./record-kind";

/** What could not be done to a record or to a field of it, and why. */
export interface Left {
  field: string | null;
  code: string;
  message: string;
}

/** The same by its parts. */
export const left = (code: string, message: string, field: string | null = null): Left => ({
  field,
  code,
  message,
});

/** All that a refusal finds wrong, each by itself. */
export const leftsOf = ({ code, message, details }: Refusal): Left[] =>
  details.errors?.map((error) => left(error.code, error.message, error.field)) ?? [left(code, message)];

/**
 * Why a record cannot be as `row` says: another one has a value that is to be unique.
 * @param fields those that it did not have before; without, all of them
 */
export async function takenBy<Row extends RecordRow, View extends Recorded>(
  session: Session,
  { name, unique: all }: Pick<RecordKind<Row, View>, "name" | "unique">,
  row: Row,
  fields?: readonly string[],
): Promise<Left | undefined> {
  for (const unique of all) {
    const { field } = unique;
    if (row[field as keyof Row] === null || fields?.includes(field) === false) continue;
    const holder = await unique.holder(session, row);
    if (holder && holder.id !== row.id)
      return left(`${field}_taken`, `Another ${name} has this ${field} by now.`, field);
  }
  return undefined;
}
