import { Type, type TObject } from "@sinclair/typebox";
import {
  BadParameter,
  listQuery,
  parseList,
  Problems,
  readBoolean,
  readOneOf,
  splitQuery,
  type Fields,
  type ListOptions,
  type ListRequest,
} from "../list";

/** The formats that records are exported in. */
export const exportFormats = ["csv", "json", "ndjson"] as const;
/** One of `exportFormats`. */
export type ExportFormat = (typeof exportFormats)[number];

/** What a route exports: everything that a list of `fields` has, as `view` shows it. */
export interface Exported {
  fields: Fields;
  view: TObject;
}

/** What an export is asked for. */
export interface ExportRequest {
  format: ExportFormat;
  /** The fields of the view to give, in this order. */
  columns: readonly string[];
  /** The file begins with a byte-order mark. */
  bom: boolean;
  /** Which records, in which order. */
  list: ListRequest;
}

const ownNames: ReadonlySet<string> = new Set(["format", "columns", "bom", "ticket"]);
/** Parameters of a list that mean nothing where all of it comes. */
const ofPages: ReadonlySet<string> = new Set(["page", "limit", "cursor", "count"]);

/** Every query parameter of an export, as the documents show them. */
export function exportQuery({ fields, view }: Exported): TObject {
  const names = Object.keys(view.properties);
  const listed = Object.entries(listQuery(fields).properties).filter(([name]) => !ofPages.has(name));
  return Type.Partial(
    Type.Object({
      format: Type.String({ enum: exportFormats, default: "csv", description: "What the file is." }),
      columns: Type.String({
        default: names.join(),
        description: `Which fields, in this order, of ${names.join(", ")}; with commas.`,
      }),
      bom: Type.Boolean({
        default: false,
        description: "CSV begins with a byte-order mark, as Excel wants it.",
      }),
      ticket: Type.String({ description: "A ticket for `download`, in place of an access token." }),
      ...Object.fromEntries(listed),
    }),
  );
}

/**
 * Reads the raw query of an export.
 * @param fields those of its list that the caller may ask for
 * @throws Refusal 400 that names every parameter that cannot be taken, and why
 */
export function readExport(
  view: TObject,
  fields: Fields,
  query: string,
  options: ListOptions,
): ExportRequest {
  const problems = new Problems();
  const own: Record<string, string> = {};
  const others: string[] = [];
  for (const [name, text] of splitQuery(query, problems)) {
    if (!ownNames.has(name)) others.push(`${encodeURIComponent(name)}=${encodeURIComponent(text)}`);
    problems.try(name, () => {
      if (ofPages.has(name))
        throw new BadParameter("unknown_parameter", "means nothing here: all pages come");
      if (!ownNames.has(name)) return;
      if (name in own) throw new BadParameter("repeated_parameter", "is given twice");
      own[name] = text;
    });
  }
  const format = problems.try("format", () => readOneOf(own["format"] ?? "csv", exportFormats));
  const columns = problems.try("columns", () => readColumns(view, own["columns"]));
  const bom = problems.try("bom", () => readMark(own["bom"], format));
  problems.refuse();
  const list = parseList(fields, others.join("&"), options);
  return { format: format!, columns: columns!, bom: bom!, list };
}

function readColumns({ properties }: TObject, text: string | undefined): string[] {
  const names = Object.keys(properties);
  if (text === undefined) return names;
  const columns = text.split(",");
  const unknown = columns.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const message = `"${unknown.slice(0, 50)}" is no field to export; these are: ${names.join(", ")}`;
    throw new BadParameter("unknown_field", message);
  }
  if (new Set(columns).size < columns.length) {
    throw new BadParameter("repeated_parameter", "names a field twice");
  }
  return columns;
}

function readMark(text: string | undefined, format: ExportFormat | undefined): boolean {
  const bom = text !== undefined && readBoolean(text);
  if (bom && format !== "csv") throw new BadParameter("unknown_parameter", "is for CSV alone");
  return bom;
}
