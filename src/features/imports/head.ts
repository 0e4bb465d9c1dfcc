import type { Encoding, Found } from "../../encoding";
import { readCsv, type CsvRow } from "../../csv/read";
import { Invalid } from "../../errors";
import { mediaTypeOf } from "../files/media-type";
import type { ImportFields } from "./fields";
import { headersIn, placed, plain, suggested, type FieldSources, type GivenMapping } from "./mapping";

/** How a file is read: all that has to be known of it. */
export interface Layout {
  encoding: Encoding;
  /** What is read as U+FFFD stands in the file, and takes the place of nothing. */
  isSound: boolean;
  delimiter: string;
  /** Rows up to the headers, those included. */
  skips: number;
  /** Cells of a row. */
  width: number;
  headers: string[];
  sources: FieldSources;
  /** Columns that no field comes from, by their headers. */
  unmapped: string[];
}

/** So many of the first bytes of a file tell how it is to be read. */
export const headBytes = 64 * 1024;
/** Lines among which the headers are looked for. */
const mostLines = 20;
const mostColumns = 1_000;
const delimiters = [",", ";", "\t", "|"] as const;

/**
 * Finds out how a file is to be read.
 * @param head its first bytes
 * @param given what its sender says of it
 * @throws Invalid when it is no CSV, or has not got the columns that it should have
 */
export async function layoutOf(
  head: Uint8Array,
  { encoding, isSound }: Found,
  fields: ImportFields,
  given: { delimiter?: string; mapping?: GivenMapping },
): Promise<Layout> {
  await refuseOther(head, encoding);
  const { delimiter, rows } = await withDelimiter(head, encoding, given.delimiter);
  const header = headerAmong(rows, fields, given.mapping);
  const headers = header.row.cells.map((cell) => storable(cell?.trim() ?? ""));
  if (headers.length > mostColumns)
    throw invalid(
      "file",
      "too_many_columns",
      `has ${headers.length} columns; at most ${mostColumns} are read`,
    );
  const sources = given.mapping ? placed(given.mapping, headers) : suggested(fields, headers);
  if (Object.keys(sources).length === 0) throw noHeader(headers, fields);
  const used = new Set(Object.values(sources).flatMap(({ columns }) => columns));
  return {
    ...{ encoding, isSound, delimiter, skips: header.at + 1, width: headers.length, headers, sources },
    unmapped: headers.filter((header, i) => !used.has(i) && header !== ""),
  };
}

/** A picture has no rows, whatever its name. */
async function refuseOther(head: Uint8Array, encoding: Encoding): Promise<void> {
  if (head.byteLength === 0) throw invalid("file", "empty", "must not be empty");
  if (encoding.startsWith("utf-16")) return;
  const type = await mediaTypeOf(head);
  if (!type.startsWith("text/") && type !== "application/octet-stream" && type !== "application/xml")
    throw invalid("file", "not_csv", `is no CSV but ${type}`);
  // Nothing that is written as text has as many zeros.
  const zeros = head.reduce((sum, byte) => (byte === 0 ? sum + 1 : sum), 0);
  if (zeros * 20 > head.byteLength) throw invalid("file", "not_csv", "is no text");
}

async function withDelimiter(head: Uint8Array, encoding: Encoding, given: string | undefined) {
  let best: { delimiter: string; rows: CsvRow[]; score: number } | undefined;
  for (const delimiter of given === undefined ? delimiters : [given]) {
    const rows = await firstRows(head, { encoding, delimiter });
    const score = evenness(rows);
    if (!best || score > best.score) best = { delimiter, rows, score };
  }
  return best!;
}

/** The rows that are whole. */
async function firstRows(
  head: Uint8Array,
  format: { encoding: Encoding; delimiter: string },
): Promise<CsvRow[]> {
  const chunks: CsvRow[][] = [];
  async function* once() {
    yield head;
  }
  try {
    for await (const { rows } of readCsv(once(), format)) chunks.push(rows);
    // Of a longer file, what comes last is a row that is cut through.
    if (head.byteLength === headBytes) chunks.pop();
  } catch {
    // The head ends within quotes: what came before is whole.
  }
  return chunks.flat().slice(0, mostLines);
}

/** How much rows look as if they were separated rightly: most have as many cells as each other, and more than one. */
function evenness(rows: readonly CsvRow[]): number {
  const widths = rows.filter(hasContent).map(({ cells }) => cells.length);
  const counts = Map.groupBy(widths, (width) => width);
  const [width = 0, same = []] =
    [...counts].toSorted(([a, some], [b, others]) => others.length - some.length || b - a)[0] ?? [];
  return width < 2 ? 0 : same.length / widths.length + Math.min(width, 100) / 1_000;
}

const hasContent = ({ cells }: CsvRow) => cells.some((cell) => cell !== null && cell.trim() !== "");

/** The row with the headers: the first that has those of the mapping, or one by which a field is known. */
function headerAmong(
  rows: readonly CsvRow[],
  fields: ImportFields,
  mapping: GivenMapping | undefined,
): { row: CsvRow; at: number } {
  const wanted = mapping && headersIn(mapping).map(plain);
  const isHeader = ({ cells }: CsvRow) => {
    const headers = cells.map((cell) => cell ?? "");
    if (!wanted) return Object.keys(suggested(fields, headers)).length > 0;
    const there = new Set(headers.map(plain));
    return wanted.every((header) => there.has(header));
  };
  const at = rows.findIndex(isHeader);
  // With a mapping that does not fit, the first row says which columns there are.
  const first = rows.findIndex(hasContent);
  if (at < 0 && (first < 0 || !wanted)) throw noHeader(rows[first]?.cells ?? [], fields);
  const found = at < 0 ? first : at;
  return { row: rows[found]!, at: found };
}

/** PostgreSQL takes no NUL, and a job keeps the headers. */
const storable = (header: string) => header.replaceAll("\0", "\ufffd");

function noHeader(cells: readonly (string | null)[], fields: ImportFields): Invalid {
  const seen = cells.slice(0, 5).map((cell) => `"${storable(cell ?? "").slice(0, 40)}"`);
  const known = Object.keys(fields).join(", ");
  const message =
    cells.length === 0
      ? `has no row of headers within its first ${headBytes} bytes`
      : `has no row of headers by which a field is known (it begins with ${seen.join(", ")}). Name the columns in \`mapping\`; the fields are ${known}`;
  return invalid("file", "no_header", message);
}

const invalid = (field: string, code: string, message: string) => new Invalid([{ field, code, message }]);
