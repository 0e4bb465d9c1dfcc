import type { CsvError, parse as Parse, Parser } from "csv-parse";
import type { Encoding } from "../encoding";

/** How a file is to be read. */
export interface CsvFormat {
  encoding: Encoding;
  /** What stands between two cells. */
  delimiter: string;
}

/** A row of a file. */
export interface CsvRow {
  /** The line that it begins in, from 1. */
  line: number;
  /** A cell without quotes that has nothing in it is no value. */
  cells: (string | null)[];
}

/** Rows that were read together, and how far into the file that was. */
export interface CsvChunk {
  rows: CsvRow[];
  /** Bytes of the file. */
  read: number;
}

/** A file cannot be read on from a line. */
export class CsvBroken extends Error {
  override name = "CsvBroken";

  constructor(
    readonly line: number,
    why: string,
  ) {
    super(`Line ${line}: ${why}`);
  }
}

/** Characters that a row may have: one that does not end is a quote that was never closed. */
export const longestRow = 16 * 1024 * 1024;
/** Cells that a row may have: empty ones are no characters, and take many times the byte that stands for them. */
const mostCells = 2_000_000;
/** Bytes that are read at once: more would keep others waiting. */
const portion = 32 * 1024;

/** A row has more than `mostCells`. */
class TooManyCells extends Error {}

interface Parsed {
  record: (string | null)[];
  info: { lines: number };
}

/**
 * Reads CSV (RFC 4180, and what spreadsheets make of it) while it comes. Vietnamese that has its tones apart, as Windows-1258
 * does, gets them together.
 * @throws CsvBroken for a row without end, or with too many cells
 */
export async function* readCsv(
  bytes: AsyncIterable<Uint8Array>,
  { encoding, delimiter }: CsvFormat,
): AsyncGenerator<CsvChunk> {
  // Loaded with the first file.
  const { parse } = await import("csv-parse");
  const reader = new RowReader(parse, delimiter, encoding === "windows-1258");
  const decoder = new TextDecoder(encoding);
  let read = 0;
  for await (const chunk of bytes) {
    for (let start = 0; start < chunk.byteLength; start += portion) {
      const part = chunk.subarray(start, start + portion);
      read += part.byteLength;
      // The parser answers at once: without this, nobody else had a turn until the end of a long cell.
      await new Promise<void>((resolve) => setImmediate(resolve));
      yield { rows: await reader.write(decoder.decode(part, { stream: true })), read };
    }
  }
  // What is left of a character that is cut through may end the row before.
  const last = await reader.write(decoder.decode());
  yield { rows: [...last, ...(await reader.end())], read };
}

/** The parser, as something that gives the rows of each text that it is given. */
class RowReader {
  readonly #parser: Parser;
  #failure: Error | undefined;
  /** Lines before the next row. */
  #lines = 0;

  /** @param isApart whether accents stand apart from their letters */
  constructor(parse: typeof Parse, delimiter: string, isApart: boolean) {
    this.#parser = parse({
      ...{ delimiter, info: true, relax_quotes: true, relax_column_count: true },
      // All three, whichever the first line has: files are put together from others.
      ...{ record_delimiter: ["\r\n", "\n", "\r"], max_record_size: longestRow },
      cast: (cell, { quoting, index }) => {
        if (index === mostCells) throw new TooManyCells();
        return cell === "" && !quoting ? null : isApart ? cell.normalize("NFC") : cell;
      },
      // All rows of a text are taken at once: the parser is not to wait for that.
      ...{ readableHighWaterMark: Number.MAX_SAFE_INTEGER },
    });
    this.#parser.on("error", (error) => (this.#failure ??= error));
  }

  /** The rows that this text ends. @throws CsvBroken */
  write(text: string): Promise<CsvRow[]> {
    return text === "" ? Promise.resolve([]) : this.#after((done) => this.#parser.write(text, done));
  }

  /** The last row. @throws CsvBroken */
  end(): Promise<CsvRow[]> {
    return this.#after((done) => this.#parser.end(done));
  }

  async #after(work: (done: (error?: Error | null) => void) => void): Promise<CsvRow[]> {
    const error = await new Promise<Error | null | undefined>((resolve) => {
      this.#parser.once("error", resolve);
      work((failed) => {
        this.#parser.off("error", resolve);
        resolve(failed);
      });
    });
    const rows = this.#taken();
    const failure = error ?? this.#failure;
    if (failure) throw this.#broken(failure);
    return rows;
  }

  #taken(): CsvRow[] {
    const rows: CsvRow[] = [];
    for (let next: Parsed | null; (next = this.#parser.read() as Parsed | null) !== null;) {
      rows.push({ line: this.#lines + 1, cells: next.record });
      this.#lines = next.info.lines;
    }
    return rows;
  }

  #broken(error: Error): Error {
    if (error instanceof TooManyCells)
      return new CsvBroken(this.#lines + 1, `the row has more than ${mostCells} cells.`);
    const { code } = error as Partial<CsvError>;
    if (!code?.startsWith("CSV_")) return error;
    const why =
      code === "CSV_QUOTE_NOT_CLOSED" || code === "CSV_MAX_RECORD_SIZE"
        ? "the row that begins here does not end. Is a quote open that is never closed?"
        : "it cannot be read as CSV.";
    return new CsvBroken(this.#lines + 1, why);
  }
}
