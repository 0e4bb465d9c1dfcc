import { Type, type TString } from "@sinclair/typebox";
import { encodings, type Encoding } from "../../encoding";
import { Invalid, type FieldError } from "../../errors";
import type { ImportFields } from "./fields";
import { parseMapping, type GivenMapping } from "./mapping";

/** What is done with a row whose record is there already. */
export const importModes = ["insert", "upsert", "skip"] as const;
/** One of `importModes`. */
export type ImportMode = (typeof importModes)[number];

const text = (description: string): TString => Type.String({ description, code: "invalid_choice" });

const options = {
  mapping: text(
    'which column is which field, as JSON: `{"name": "Full name"}`, or `{"name": {"columns": ["First", "Last"], "join": " "}}`, with `constant` for what is empty and `values` for what stands for what; without it, as the headers suggest',
  ),
  mode: text(
    "`insert` adds every row (the default), `upsert` changes the records that are there, `skip` leaves those out",
  ),
  match: text(
    "by which fields a record is found that is there already: `external_id`, `email`, `phone`; several with commas, the first that finds one",
  ),
  dry_run: text("`true`: says what would come of it, and changes nothing"),
  delimiter: text("what stands between two cells: one character, or `comma`, `semicolon`, `tab`, `pipe`"),
  encoding: text(`the encoding of the file: ${encodings.join(", ")}; without it, the likeliest`),
};

/** How a file is imported, in the query of a `text/csv` body. */
export const ImportQuery = Type.Object(options);

/** A form with a file and how it is imported. */
export const ImportForm = Type.Object({
  file: Type.String({ format: "binary", description: "The CSV." }),
  ...Object.fromEntries(Object.entries(options).map(([name, schema]) => [name, Type.Optional(schema)])),
});

/** How a file is to be imported. */
export interface ImportOptions {
  mapping?: GivenMapping;
  mode: ImportMode;
  /** Names of fields, in the order in which they are tried. */
  match: string[];
  isDryRun: boolean;
  delimiter?: string;
  encoding?: Encoding;
}

const delimiters: Readonly<Record<string, string>> = {
  comma: ",",
  semicolon: ";",
  tab: "\t",
  "\\t": "\t",
  pipe: "|",
};

/**
 * Reads how a file is to be imported. What is left empty, as forms do, is not given.
 * @param matches the fields by which records can be found
 * @throws Invalid that names everything that cannot be taken
 */
export function parseOptions(
  given: ReadonlyMap<string, string>,
  fields: ImportFields,
  matches: readonly string[],
): ImportOptions {
  const errors: FieldError[] = [];
  const refuse = (field: string, code: string, message: string) => void errors.push({ field, code, message });
  for (const name of given.keys())
    if (!Object.hasOwn(options, name))
      refuse(name.slice(0, 200), "unknown_field", "is not a field of this form");
  const valueOf = (name: keyof typeof options) => (given.get(name)?.trim() ? given.get(name) : undefined);
  const choice = <Choice extends string>(name: keyof typeof options, choices: readonly Choice[]) => {
    const value = valueOf(name)?.trim().toLowerCase();
    const found = choices.find((each) => each === value);
    if (value !== undefined && found === undefined)
      refuse(name, "invalid_choice", `must be one of ${choices.join(", ")}`);
    return found;
  };
  const mode = choice("mode", importModes) ?? "insert";
  const encoding = choice("encoding", encodings);
  const dryRun = choice("dry_run", ["true", "false"]);
  const match = (valueOf("match") ?? "").split(",").flatMap((name) => name.trim() || []);
  if (match.some((name) => !matches.includes(name)))
    refuse("match", "invalid_choice", `must be one of ${matches.join(", ")}, or several of them with commas`);
  const delimiter = delimiterOf(given.get("delimiter"), refuse);
  const mapping = mappingOf(valueOf("mapping"), fields, errors);
  if (errors.length > 0) throw new Invalid(errors);
  return {
    ...{ mode, match, isDryRun: dryRun === "true" },
    ...(mapping && { mapping }),
    ...(delimiter !== undefined && { delimiter }),
    ...(encoding && { encoding }),
  };
}

function delimiterOf(
  given: string | undefined,
  refuse: (field: string, code: string, message: string) => void,
): string | undefined {
  if (given === undefined || given === "") return undefined;
  const delimiter = delimiters[given.toLowerCase()] ?? given;
  if (delimiter.length === 1 && !/["\r\n\p{L}\p{N}\p{C}]/u.test(delimiter.replace("\t", "")))
    return delimiter;
  const message =
    "must be one character that is neither a letter, a digit nor a quote, or comma, semicolon, tab, pipe";
  refuse("delimiter", "invalid_format", message);
  return undefined;
}

function mappingOf(
  text: string | undefined,
  fields: ImportFields,
  errors: FieldError[],
): GivenMapping | undefined {
  if (text === undefined) return undefined;
  try {
    return parseMapping(text, fields);
  } catch (error) {
    if (!(error instanceof Invalid)) throw error;
    errors.push(...(error.details.errors ?? []));
    return undefined;
  }
}
