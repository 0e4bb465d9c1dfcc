import type { TObject, TSchema } from "@sinclair/typebox";
import { joinTags } from "../../csv/tags";
import { cellOf } from "../../csv/write";
import type { View } from "./writers";

/** A column of CSV. */
export interface Column {
  name: string;
  /** What stands in it for a record, as it is written. */
  cell(record: View): string;
}

/**
 * The columns of a field. Tags share a cell; an object whose fields are known has a column for each of them, as in
 * `actor.full_name`; any other is written as JSON.
 */
export function columnsOf(name: string, schema: TSchema): Column[] {
  if (schema.type === "array")
    return [{ name, cell: (record) => cellOf(joinTags(record[name] as string[])) }];
  if (schema.type !== "object") return [{ name, cell: (record) => scalar(record[name]) }];
  if (!isKnown(schema)) return [{ name, cell: (record) => cellOf(JSON.stringify(record[name])) }];
  return Object.keys(schema.properties).map((part) => ({
    name: `${name}.${part}`,
    cell: (record) => scalar((record[name] as View)[part]),
  }));
}

const isKnown = (schema: TSchema): schema is TObject => schema["properties"] !== undefined;

/** Null is no value; numbers, and whatever else is no text, are written as they are. */
const scalar = (value: unknown): string =>
  typeof value === "string" ? cellOf(value) : value === null ? "" : JSON.stringify(value);
