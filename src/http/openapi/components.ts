import type { OpenApiDocument, Schema } from "./document";

/**
 * The document as JSON, in which every schema with a title stands once, among the components, and is named wherever
 * it was.
 * @throws Error when two different schemas have the same title
 */
export function withComponents(document: OpenApiDocument): OpenApiDocument {
  const schemas = new Map<string, Schema>();
  // What TypeBox knows besides the JSON Schema stands under symbols, which JSON leaves out.
  const plain = JSON.parse(JSON.stringify(document)) as OpenApiDocument;
  const paths = shared(plain.paths, schemas) as OpenApiDocument["paths"];
  const byName = [...schemas].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { ...plain, paths, components: { ...plain.components, schemas: Object.fromEntries(byName) } };
}

function shared(value: unknown, schemas: Map<string, Schema>): unknown {
  if (Array.isArray(value)) return value.map((entry) => shared(entry, schemas));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, part]) => [
    key,
    isData(key) ? part : shared(part, schemas),
  ]);
  const whole = Object.fromEntries(entries) as Schema;
  return isTitled(whole) ? referenced(whole, schemas) : whole;
}

/** A value, in which a title is none of a schema. */
const isData = (key: string) => key === "example" || key === "examples" || key === "default";

const isTitled = (value: Schema): value is Schema & { title: string } =>
  typeof value.title === "string" && ("type" in value || "anyOf" in value);

function referenced(schema: Schema & { title: string }, schemas: Map<string, Schema>): Schema {
  const { title } = schema;
  const known = schemas.get(title);
  if (known && !Bun.deepEquals(known, schema)) throw new Error(`Two schemas have the title ${title}.`);
  schemas.set(title, schema);
  return { $ref: `#/components/schemas/${title}` };
}
