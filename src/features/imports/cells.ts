import type { TSchema } from "@sinclair/typebox";
import { TypeCompiler } from "@sinclair/typebox/compiler";
import { isoTime } from "../../clock";
import { undefuse } from "../../csv/formula";
import type { CsvRow } from "../../csv/read";
import { splitTags } from "../../csv/tags";
import type { Session } from "../../db/store";
import { Invalid } from "../../errors";
import { assertFits } from "../../http/refusals";
import { isId } from "../../ids";
import { instantOf } from "../../instants";
import { leftsOf, type Left } from "../../left-out";
import { plain, type FieldSource } from "./mapping";
import type { ImportField, ImportFields } from "./fields";
import type { Layout } from "./head";

/** What the cells of a row are, by the fields they are for; or all that is wrong with them. */
export type ReadRow = Record<string, unknown> | Left[];

/** Who or what a text in a file names. */
export interface Naming {
  /** The id of a colleague by mail address or name; a text says what is wrong. */
  user(text: string): string | { wrong: string };
  /** The ids of clients by mail address or external id, for the texts that name one. */
  clients(session: Session, texts: readonly string[]): Promise<ReadonlyMap<string, string>>;
  timeZone: string;
}

/** What a row says of a field; `null` where it says nothing. */
interface Text {
  name: string;
  field: ImportField;
  text: string | null;
}

type Value = string | string[] | null | { code: string; message: string };

/** Makes the rows of a file into what records are made from. */
export class CellReader {
  readonly #sources: readonly (readonly [name: string, field: ImportField, source: FieldSource])[];
  readonly #values = new Map<FieldSource, Map<string, string>>();

  constructor(
    private readonly layout: Layout,
    fields: ImportFields,
    private readonly naming: Naming,
  ) {
    this.#sources = Object.entries(layout.sources).map(([name, source]) => [name, fields[name]!, source]);
    for (const [, , source] of this.#sources) {
      if (!source.values) continue;
      const entries = Object.entries(source.values);
      // To the letter before as people read it.
      this.#values.set(
        source,
        new Map([...entries.map(([was, is]): [string, string] => [looseKey(was), is]), ...entries]),
      );
    }
  }

  /** What rows say; within the transaction that needs it. */
  async read(session: Session, rows: readonly CsvRow[]): Promise<ReadRow[]> {
    const texts = rows.map(({ cells }) => this.#misshapen(cells) ?? this.#textsOf(cells));
    const named = texts.flatMap((row) => (Array.isArray(row) ? row.flatMap(clientNamed) : []));
    const clients = named.length === 0 ? noClients : await this.naming.clients(session, [...new Set(named)]);
    return texts.map((row) => (Array.isArray(row) ? this.#valuesOf(row, clients) : [row]));
  }

  /** The column of a problem: as the file calls it. */
  columnOf(field: string | null): string | null {
    const headers = (field === null ? undefined : this.layout.sources[field.split(".")[0]!])?.headers ?? [];
    return headers.length > 0 ? headers.join(" + ") : field;
  }

  #misshapen(cells: readonly (string | null)[]): Left | undefined {
    const { width, isSound } = this.layout;
    const left = (code: string, message: string): Left => ({ field: null, code, message });
    if (cells.length < width)
      return left("too_few_cells", `The row has ${cells.length} cells, the headers ${width}.`);
    if (cells.length > width && cells.slice(width).some((cell) => cell !== null && cell !== ""))
      return left("too_many_cells", `The row has ${cells.length} cells, the headers ${width}.`);
    for (const cell of cells) {
      if (cell === null) continue;
      if (cell.includes("\0")) return left("invalid_characters", "The row has NUL in it.");
      if (!isSound && cell.includes("\ufffd"))
        return left("invalid_characters", `The row has bytes in it that are not ${this.layout.encoding}.`);
    }
    return undefined;
  }

  #textsOf(cells: readonly (string | null)[]): Text[] {
    return this.#sources.map(([name, field, source]) => ({
      ...{ name, field },
      text: this.#textOf(field, source, cells),
    }));
  }

  #valuesOf(texts: readonly Text[], clients: ReadonlyMap<string, string>): ReadRow {
    const read: Record<string, unknown> = {};
    const wrong: Left[] = [];
    for (const { name, field, text } of texts) {
      const value = text === null ? null : this.#valueOf(field, text, clients);
      if (isWrong(value)) wrong.push({ field: name, ...value });
      else read[name] = value;
    }
    return wrong.length > 0 ? wrong : read;
  }

  /** The text for a field; `null` where the row has none. */
  #textOf(field: ImportField, source: FieldSource, cells: readonly (string | null)[]): string | null {
    const { columns, join, constant } = source;
    const isLong = field.type === "long text";
    let text: string | null = null;
    if (columns.length === 1) {
      const cell = cells[columns[0]!] ?? null;
      text = cell === null ? null : undefuse(cell);
    } else if (columns.length > 1) {
      const parts = columns.map((i) => undefuse(cells[i] ?? "").trim());
      text = parts.filter((part) => part !== "").join(join);
    }
    // Only long texts keep the blanks around them, and can be there and empty.
    if (text !== null && !(isLong && columns.length === 1)) text = text.trim() || null;
    return this.#translated(source, text ?? constant ?? null);
  }

  #translated(source: FieldSource, text: string | null): string | null {
    const values = this.#values.get(source);
    if (!values || text === null) return text;
    const translated = values.get(text) ?? values.get(looseKey(text)) ?? text;
    return translated.trim() === "" ? null : translated;
  }

  #valueOf(field: ImportField, text: string, clients: ReadonlyMap<string, string>): Value {
    switch (field.type) {
      case "choice":
        return choiceOf(field.of!, text);
      case "tags":
        return splitTags(text);
      case "instant":
        return instantIn(text.trim(), this.naming.timeZone);
      case "user":
        return named("unknown_user", isId(text.trim()) ? text.trim() : this.naming.user(text.trim()));
      case "client":
        return named("unknown_client", isId(text.trim()) ? text.trim() : clientIn(clients, text.trim()));
      default:
        return text;
    }
  }
}

const looseKey = plain;

const noClients: ReadonlyMap<string, string> = new Map();

/** What names a client, and is no id. */
const clientNamed = ({ field, text }: Text): string[] =>
  field.type === "client" && text !== null && !isId(text.trim()) ? [text.trim()] : [];

const clientIn = (clients: ReadonlyMap<string, string>, text: string): string | { wrong: string } =>
  clients.get(text) ?? { wrong: "is the mail address or external id of no client that you may see" };

const isWrong = (value: Value): value is { code: string; message: string } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const named = (code: string, found: string | { wrong: string }): Value =>
  typeof found === "string" ? found : { code, message: found.wrong };

function choiceOf(choices: readonly string[], text: string): Value {
  const wanted = plain(text);
  const found =
    choices.find((choice) => choice === text) ?? choices.find((choice) => plain(choice) === wanted);
  return found ?? { code: "invalid_choice", message: `must be one of ${choices.join(", ")}` };
}

const local = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?))?$/;

/** An instant; a date or time without an offset is meant where whoever imports it is. */
function instantIn(text: string, timeZone: string): Value {
  const [, date, time = "00:00"] = local.exec(text) ?? [];
  if (date === undefined) {
    const instant = instantOf(text);
    return typeof instant === "string" ? { code: "invalid_instant", message: instant } : text;
  }
  try {
    const zoned = Temporal.PlainDateTime.from(`${date}T${time}`).toZonedDateTime(timeZone);
    return isoTime(zoned.epochMilliseconds);
  } catch {
    return { code: "invalid_instant", message: "is not a date and time that exists" };
  }
}

/** Whether values fit a schema: nothing, or all that is wrong with them. */
export function checkerOf(schema: TSchema): (value: unknown) => Left[] | undefined {
  const compiled = TypeCompiler.Compile(schema);
  return (value) => {
    if (compiled.Check(value)) return undefined;
    try {
      assertFits(schema, value);
    } catch (error) {
      if (error instanceof Invalid) return leftsOf(error);
      throw error;
    }
    return undefined;
  };
}

/** The same object without the fields that are absent. */
export const withoutNulls = (values: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
