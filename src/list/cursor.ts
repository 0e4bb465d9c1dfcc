import { isId } from "../ids";
import { isNullable, type Field, type Fields } from "./fields";
import { BadParameter } from "./query";
import type { ListRequest, Position } from "./request";

/** What a cursor holds, read from what the caller sent and not yet compared with the rest of the query. */
export interface Cursor {
  readonly after: Position;
  readonly fingerprint: string;
  readonly now: number | null;
}

const longestCursor = 16_384;
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The cursor that continues `request` after the record at `position`. Opaque to callers, and not secret. */
export function encodeCursor({ fingerprint, now }: ListRequest, { values, id }: Position): string {
  return Buffer.from(JSON.stringify([fingerprint, now, id, ...values])).toString("base64url");
}

/**
 * Reads what `encodeCursor` wrote. Anybody can write a cursor, so everything in it is checked.
 * @throws BadParameter `invalid_cursor`
 */
export function decodeCursor(text: string): Cursor {
  const [fingerprint, now, id, ...values] = parse(text);
  const isWhole =
    typeof fingerprint === "string" &&
    (now === null || isSafeInstant(now)) &&
    typeof id === "string" &&
    isId(id) &&
    values.every(isScalar);
  if (!isWhole) throw invalid();
  return { fingerprint, now, after: { id: id.toLowerCase(), values: values as Position["values"] } };
}

/**
 * Refuses a cursor of another list, and one whose values do not fit the order.
 * @throws BadParameter `cursor_mismatch` or `invalid_cursor`
 */
export function assertContinues(cursor: Cursor, request: ListRequest, fields: Fields): void {
  if (cursor.fingerprint !== request.fingerprint) {
    throw new BadParameter(
      "cursor_mismatch",
      "belongs to a list with other filters or another order: repeat those of the first page, or start anew",
    );
  }
  const { values } = cursor.after;
  const fits =
    values.length === request.sort.length &&
    request.sort.every(({ field }, i) => isValueOf(fields.byName.get(field)!, values[i]!));
  if (!fits) throw invalid();
}

function isValueOf(field: Field, value: string | number | null): boolean {
  if (value === null) return isNullable(field);
  switch (field.type) {
    case "instant":
      return Number.isSafeInteger(value);
    case "integer":
      return Number.isSafeInteger(value) && Math.abs(value as number) <= (field.largest ?? 2_147_483_647);
    case "id":
      return typeof value === "string" && isId(value);
    case "choice":
      if (field.ranked) return Number.isSafeInteger(value) && field.of[(value as number) - 1] !== undefined;
      return typeof value === "string" && field.of.includes(value);
    default:
      return typeof value === "string" && !value.includes("\0") && value.isWellFormed();
  }
}

function parse(text: string): unknown[] {
  if (text.length > longestCursor || !/^[\w-]+$/.test(text)) throw invalid();
  try {
    const bytes = Buffer.from(text, "base64url");
    const parsed: unknown = JSON.parse(utf8.decode(bytes));
    // Decoding is lenient: only what we wrote, letter for letter, is a cursor.
    if (Array.isArray(parsed) && bytes.toString("base64url") === text) return parsed;
  } catch {
    // Refused below, like everything else that is no cursor.
  }
  throw invalid();
}

/** Within the range of `Temporal` and of years that are written with four digits. */
const isSafeInstant = (value: unknown): value is number =>
  Number.isInteger(value) && Math.abs(value as number) < 8e13;

const isScalar = (value: unknown) => value === null || typeof value === "string" || typeof value === "number";

const invalid = () =>
  new BadParameter("invalid_cursor", "is not a cursor: take next_cursor of the page before as it is");
