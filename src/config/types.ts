/** What a setting may hold, as far as JSON Schema can say it simply. */
export interface ValueSchema {
  readonly type: "string" | "integer" | "boolean" | "array";
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly items?: ValueSchema;
}

/** What a setting may hold: reads it from a file, where values have types, or from text, and writes it back. */
export interface Type<Value> {
  /** Stands after "expected" in a message and describes the setting in config.default.toml. */
  readonly expects: string;
  /** The same for programs, as a piece of JSON Schema. */
  readonly schema: ValueSchema;
  /** Reads a value of a TOML file; `undefined` when it is not allowed. */
  fromToml(value: unknown): Value | undefined;
  /** Reads an environment variable or a flag; `undefined` when it is not allowed. */
  fromText(text: string): Value | undefined;
  /** Writes the value as a TOML literal, which `fromToml` reads as the same value. */
  toToml(value: Value): string;
}

/** Text that `read` accepts and brings to its one form; `undefined` from it refuses the text. */
export function text(
  expects: string,
  read: (text: string) => string | undefined,
  pattern?: string,
): Type<string> {
  return {
    expects,
    schema: { type: "string", ...(pattern !== undefined && { pattern }) },
    fromToml: (value) => (typeof value === "string" ? read(value) : undefined),
    fromText: read,
    toToml: quoted,
  };
}

/** A whole number from `min` to `max`, both included. */
export function integer(min: number, max: number): Type<number> {
  const within = (value: number) => (value >= min && value <= max ? value : undefined);
  return {
    expects: `an integer from ${min} to ${max}`,
    schema: { type: "integer", minimum: min, maximum: max },
    fromToml: (value) => (Number.isInteger(value) ? within(value as number) : undefined),
    fromText: (text) => (/^-?\d+$/.test(text.trim()) ? within(Number(text)) : undefined),
    toToml: String,
  };
}

const words: Record<string, boolean> = { true: true, yes: true, on: true, "1": true };
for (const word of ["false", "no", "off", "0"]) words[word] = false;

/** True or false. Text may also say yes, no, on, off, 1 or 0, as people write them in environments. */
export const boolean: Type<boolean> = {
  expects: "true or false",
  schema: { type: "boolean" },
  fromToml: (value) => (typeof value === "boolean" ? value : undefined),
  fromText: (text) => {
    const word = text.trim().toLowerCase();
    return Object.hasOwn(words, word) ? words[word] : undefined;
  },
  toToml: String,
};

/** One of a few words. */
export function choice<const Word extends string>(...choices: readonly Word[]): Type<Word> {
  const find = (value: unknown) => choices.find((word) => word === value);
  return {
    expects: `one of ${choices.join(", ")}`,
    schema: { type: "string", enum: choices },
    fromToml: find,
    fromText: (text) => find(text.trim()),
    toToml: quoted,
  };
}

/** Any number of `item`s; text separates them by commas. */
export function list(item: Type<string>): Type<readonly string[]> {
  const readAll = (items: unknown[]) => {
    const read = items.map((each) => item.fromToml(each));
    return read.every((each) => each !== undefined) ? read : undefined;
  };
  return {
    expects: `a list (in the environment: separated by commas), each item ${item.expects}`,
    schema: { type: "array", items: item.schema },
    fromToml: (value) => (Array.isArray(value) ? readAll(value) : undefined),
    fromText: (text) =>
      readAll(
        text
          .split(",")
          .map((each) => each.trim())
          .filter((each) => each !== ""),
      ),
    toToml: (value) => `[${value.map(quoted).join(", ")}]`,
  };
}

const units: Record<string, number> = { b: 1, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12 };
const binaryUnits: Record<string, number> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };
for (const [unit, bytes] of Object.entries(binaryUnits)) units[unit.toLowerCase()] = bytes;

/** A number of bytes from `min` to `max`, written with a unit ("10MB" is 10,000,000, "512KiB" 524,288) or bare. */
export function size(min: number, max: number): Type<number> {
  const bytes = integer(min, max);
  const fromText = (text: string) => {
    const [, amount, unit] = /^(\d+)\s*([kmgt]?i?b)?$/i.exec(text.trim()) ?? [];
    const factor = units[(unit ?? "b").toLowerCase()];
    return amount && factor ? bytes.fromToml(Number(amount) * factor) : undefined;
  };
  return {
    expects: `a size from ${inUnits(min)} to ${inUnits(max)}, such as "10MB", "512KiB" or a number of bytes`,
    schema: bytes.schema,
    fromToml: (value) => (typeof value === "string" ? fromText(value) : bytes.fromToml(value)),
    fromText,
    toToml: (value) => (inUnits(value) === String(value) ? String(value) : quoted(inUnits(value))),
  };
}

function inUnits(bytes: number) {
  const exact = Object.entries(binaryUnits).findLast(([, factor]) => bytes >= factor && bytes % factor === 0);
  return exact ? `${bytes / exact[1]}${exact[0]}` : String(bytes);
}

// The serializer escapes what JSON leaves bare and TOML forbids, such as U+007F.
function quoted(value: string) {
  return Bun.TOML.stringify({ value }).trimEnd().slice("value = ".length);
}
