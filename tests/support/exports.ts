import { parse } from "csv-parse/sync";
import { undefuse } from "../../src/csv/formula";
import { splitTags } from "../../src/csv/tags";
import type { World, By } from "./scenario";

type Json = Record<string, unknown>;

/** The records of an export, in its order, as the API shows them. */
export function recordsIn(format: string, text: string): Json[] {
  if (format === "json") return JSON.parse(text);
  if (format === "csv") return recordsInCsv(text);
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

const numbers = new Set(["version", "seq"]);

function recordsInCsv(text: string): Json[] {
  const options = { columns: true, record_delimiter: "\r\n", bom: true, skip_empty_lines: false } as const;
  return parse(text, { ...options, cast: cellValue }).map((cells) => {
    const record: Json = {};
    for (const [name, value] of Object.entries(cells as Json)) {
      const [field, part] = name.split(".") as [string, string | undefined];
      if (part === undefined) record[field] = value;
      else record[field] = { ...(record[field] as Json), [part]: value };
    }
    return record;
  });
}

/** What a cell stands for. A cell without quotes has no empty text in it, but nothing. */
function cellValue(
  cell: string,
  { header, column, quoting }: { header: boolean; column: unknown; quoting: boolean },
) {
  if (header) return cell;
  const text = undefuse(cell);
  if (column === "tags") return splitTags(text);
  if (column === "changes") return JSON.parse(text);
  if (text === "" && !quoting) return null;
  return numbers.has(String(column)) ? Number(text) : text;
}

/** All the records of a list, walked by cursor. @param query without its question mark */
export async function walked(world: World, by: By, path: string, query = ""): Promise<Json[]> {
  const found: Json[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const page: string = cursor === "" ? "" : `&cursor=${cursor}`;
    const { status, text, json } = await world.send(
      by,
      "GET",
      `${path}?limit=200&count=none&${query}${page}`,
    );
    if (status !== 200) throw new Error(`${path}?${query}: ${text}`);
    found.push(...json.data);
    cursor = json.pagination.next_cursor;
  }
  return found;
}
