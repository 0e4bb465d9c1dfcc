import { ended } from "./jobs";
import { form, type Part } from "./files";
import type { Answer, By, World } from "./scenario";

/** How a file is imported, besides the file itself. */
export type ImportFields = Readonly<Record<string, unknown>>;

const textOf = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));

/** Sends a file to be imported, as a form. */
export function sendFile(
  world: World,
  by: By,
  resource: "clients" | "tasks",
  csv: string | Uint8Array,
  fields: ImportFields = {},
): Promise<Answer> {
  const parts: Part[] = Object.entries(fields).map(([field, value]) => ({ field, value: textOf(value) }));
  const file = { field: "file", name: "file.csv", bytes: csv };
  return world.send(by, "POST", `/api/bulk/${resource}`, form(...parts, file));
}

/** Imports a file and waits until that has ended; gives the job. */
export async function imported(
  world: World,
  by: By,
  resource: "clients" | "tasks",
  csv: string | Uint8Array,
  fields: ImportFields = {},
) {
  const answer = await sendFile(world, by, resource, csv, fields);
  if (answer.status !== 202) throw new Error(`expected 202, got ${answer.status}: ${answer.text}`);
  return ended(world, by, answer.json.id);
}

/** The records of a list as it has them, all of them in the order in which they were made. */
export async function recordsOf(world: World, by: By, resource: "clients" | "tasks", query = "") {
  const { json } = await world.send(by, "GET", `/api/${resource}?limit=200&sort=created_at${query}`);
  return json.data;
}

/** What a job left out, line by line without the headers. */
export async function problemLines(world: World, by: By, id: string): Promise<string[]> {
  const { text } = await world.send(by, "GET", `/api/jobs/${id}/errors.csv`);
  return text.replace("\ufeff", "").split("\r\n").slice(1, -1);
}
