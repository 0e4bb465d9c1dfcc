/** A value of a TOML document under its whole name: `[server] port = 1` is `server.port`. */
export type Entry = readonly [name: string, value: unknown];

/** The document is not TOML. */
export class TomlError extends Error {
  override name = "TomlError";

  constructor(
    message: string,
    /** Counted from 1. */
    readonly line: number,
  ) {
    super(message);
  }
}

/**
 * The values of a TOML document. A section whose lines are all commented out has none.
 * @throws TomlError with the line
 */
export function readToml(text: string): Entry[] {
  const failure = parseFailure(text);
  if (failure) throw new TomlError(failure.replace(/^TOML Parse error: /, ""), lineOfFailure(text));
  return flatten("", Bun.TOML.parse(text));
}

function parseFailure(text: string): string | undefined {
  try {
    Bun.TOML.parse(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

// The parser does not say where it stopped. After the faulty line no beginning of the text parses any more;
// before it one does, at the latest after each complete value.
function lineOfFailure(text: string) {
  const lines = text.split("\n");
  let line = lines.length;
  while (line > 1 && parseFailure(lines.slice(0, line - 1).join("\n"))) line--;
  return line;
}

function flatten(prefix: string, table: object): Entry[] {
  return Object.entries(table).flatMap(([name, value]): Entry[] =>
    isSection(value) ? flatten(`${prefix}${name}.`, value) : [[prefix + name, value]],
  );
}

// Dates and times are objects too, of classes of their own.
function isSection(value: unknown): value is object {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
