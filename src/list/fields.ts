import type { Column } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import type { Tables } from "../db/tables";
import type { Grants } from "../policy";
import type { Operator, SortKey } from "./request";

/** What a field holds: decides which operators it has and how its values are read. */
export type FieldType =
  "text" | "choice" | "id" | "instant" | "integer" | "boolean" | "phone" | "tags" | "reference" | "keys";

interface Stored<Column> {
  /** The column that is compared and sorted by, where it is not the field's own. */
  key?: Column;
  /** Lists may be sorted by it. */
  sort?: boolean;
  /** The column may be null, so the field has `is_null`. */
  nullable?: boolean;
  /** Only whoever holds this may filter and sort by it: which records come, and in which order, tells its value. */
  grant?: string;
}

interface TextField<Column> extends Stored<Column> {
  /** `text` compares folded, so its column holds folded text. */
  type: "text";
  /** What is searched of a record has its words: a search leads to those with a part of it. */
  searched?: true;
}

interface PlainField<Column> extends Stored<Column> {
  type: "id" | "instant";
}

interface IntegerField<Column> extends Stored<Column> {
  type: "integer";
  /** The largest number the column can hold; without it, that of 32 bits. */
  largest?: number;
}

interface ChoiceField<Column> extends Stored<Column> {
  type: "choice";
  of: readonly string[];
  /** Names that stand for several choices in a filter. */
  groups?: Readonly<Record<string, readonly string[]>>;
  /** The choices have an order: the key column holds each one's place in `of`, counted from 1. */
  ranked?: boolean;
}

interface BooleanField<Column> extends Omit<Stored<Column>, "sort"> {
  type: "boolean";
}

interface PhoneField<Column> extends Stored<Column> {
  type: "phone";
  /** The form the column holds, from what people type; `country` is where a number without a prefix is from. */
  normalise: (text: string, country: string | null) => string;
}

interface TagsField {
  type: "tags";
  /** The table with one row for each tag of a record, folded. */
  through: (t: Tables) => { table: PgTable; record: Column; key: Column };
}

/** A short name in another table, such as a slug: compared letter by letter, and one that nobody has finds nothing. */
interface ReferenceField<Own> extends Pick<Stored<Own>, "grant"> {
  type: "reference";
  /** The record's column that points there. */
  key: Own;
  /** The table, its column that is pointed to, and the one with the name. */
  through: (t: Tables) => { table: PgTable; id: Column; name: Column };
}

/** The names in a JSON object, letter by letter. */
interface KeysField<Column> extends Pick<Stored<Column>, "grant"> {
  type: "keys";
  /** The column with the object. */
  key: Column;
}

/** How a resource declares one of its fields. */
export type Declaration<Column extends string = string> =
  | TextField<Column>
  | PlainField<Column>
  | IntegerField<Column>
  | ChoiceField<Column>
  | BooleanField<Column>
  | PhoneField<Column>
  | ReferenceField<Column>
  | KeysField<Column>
  | TagsField;

/** A field as filters and sorting use it. */
export type Field = Declaration & {
  readonly name: string;
  /** The column compared and sorted by; for tags, the field's name. */
  readonly column: string;
  readonly operators: readonly Operator[];
  /** The relation whose records have it, and its name there: the list's own do not. */
  readonly via?: { readonly relation: string; readonly field: string };
};

/** Records that those of a list point to, one each: a task points to its client. */
export interface Relation<Column extends string = string> {
  /** The column with the other's id. */
  key: Column;
  /** What is known of the others; of theirs, only those fields that are their own. */
  fields: Fields;
}

/** What a list of one resource can be asked for. */
export interface Fields {
  /** The table of the records. Names the list in its cursors: one of another list is refused. */
  readonly resource: keyof Tables;
  readonly byName: ReadonlyMap<string, Field>;
  /** By the name that comes before the dot in a filter. */
  readonly relations: ReadonlyMap<string, Relation>;
  /** What not everybody may ask for. */
  readonly guarded: readonly Field[];
  readonly sortKeys: readonly string[];
  readonly defaultSort: readonly SortKey[];
  /** Parameters that are short for `filter[field]`. */
  readonly shortcuts: ReadonlyMap<string, string>;
  /** Whether `deleted` is a parameter. */
  readonly softDeleted: boolean;
  /** Whether `q` is one, and has to be there. */
  readonly search: "none" | "optional" | "required";
}

/** What `fieldsOf` needs besides the fields. */
export interface FieldsOptions<Name extends string, Column extends string> {
  /** As in a query: `-created_at,name`. */
  sort: string;
  /** Parameter → field. */
  shortcuts?: Readonly<Record<string, Name>>;
  /** Deleted records stay for a while, and `deleted=only|with` lists them. */
  softDeleted?: boolean;
  /** The records can be searched (see `db/search.ts`), by `q`. */
  searched?: boolean;
  /** Records whose fields this list is filtered by too, as `filter[<name>.<field>]`. */
  relations?: Readonly<Record<string, Relation<Column>>>;
}

type ColumnOf<Table extends keyof Tables> = keyof Tables[Table]["_"]["columns"] & string;

/** Declares what a list of the records in `table` can be filtered and sorted by. */
export function fieldsOf<Table extends keyof Tables, Name extends string>(
  table: Table,
  declarations: Record<Name, Declaration<ColumnOf<Table>>>,
  {
    sort,
    shortcuts = {},
    softDeleted = false,
    searched = false,
    relations = {},
  }: FieldsOptions<NoInfer<Name>, ColumnOf<Table>>,
): Fields {
  const own = Object.entries<Declaration>(declarations).map(([name, declaration]) =>
    fieldOf(name, declaration),
  );
  const fields = [...own, ...Object.entries<Relation>(relations).flatMap(fieldsAcross)];
  const sortKeys = own.filter((field) => "sort" in field && field.sort).map(({ name }) => name);
  const defaultSort = sort.split(",").map(sortKeyOf);
  for (const { field } of defaultSort) {
    if (!sortKeys.includes(field))
      throw new Error(`${table} are sorted by "${field}", which is no sort key.`);
  }
  return {
    resource: table,
    byName: new Map(fields.map((field) => [field.name, field])),
    relations: new Map(Object.entries<Relation>(relations)),
    guarded: fields.filter((field) => grantOf(field) !== undefined),
    sortKeys,
    defaultSort,
    shortcuts: new Map(Object.entries<string>(shortcuts)),
    softDeleted,
    search: searched ? "optional" : "none",
  };
}

/** The fields of the records that a list's point to, named as its filters name them. */
const fieldsAcross = ([relation, { fields }]: [string, Relation]): Field[] =>
  [...fields.byName.values()]
    .filter(({ via }) => via === undefined)
    .map((field) => ({ ...field, name: `${relation}.${field.name}`, via: { relation, field: field.name } }));

/** The same, for a list that there is nothing of until somebody searches. */
export const searchOf = (fields: Fields): Fields => ({ ...fields, search: "required" });

/** The fields that somebody with these grants may ask for. The same object each time, as what is known of it is kept. */
export function fieldsFor(fields: Fields, grants: Grants): Fields {
  const hidden = fields.guarded.filter((field) => grants[grantOf(field)!] === undefined);
  if (hidden.length === 0) return fields;
  const names = new Set(hidden.map(({ name }) => name));
  const all = narrowed.getOrInsertComputed(fields, () => new Map());
  return all.getOrInsertComputed([...names].join(), () => ({
    ...fields,
    byName: new Map([...fields.byName].filter(([name]) => !names.has(name))),
    sortKeys: fields.sortKeys.filter((name) => !names.has(name)),
    shortcuts: new Map([...fields.shortcuts].filter(([, name]) => !names.has(name))),
    guarded: [],
  }));
}

const narrowed = new WeakMap<Fields, Map<string, Fields>>();

const grantOf = (field: Field) => ("grant" in field ? field.grant : undefined);

/** `-name` → by name, descending. */
export const sortKeyOf = (text: string): SortKey =>
  text.startsWith("-") ? { field: text.slice(1), descending: true } : { field: text, descending: false };

/** The fields that every record has which belongs to whoever made it and whoever works on it. */
export const recordFields = {
  id: { type: "id" },
  external_id: { type: "text", key: "external_id_key", nullable: true, searched: true },
  assigned_to: { type: "id", nullable: true },
  created_by: { type: "id" },
  created_at: { type: "instant", sort: true },
  updated_at: { type: "instant", sort: true },
  deleted_at: { type: "instant", nullable: true },
  version: { type: "integer" },
} as const;

/** What a ranked choice is compared and sorted by. */
export const rankOf = <Choice extends string>(choices: readonly Choice[], choice: Choice): number =>
  choices.indexOf(choice) + 1;

/** Whether the field's value may be missing. */
export const isNullable = (field: Field) => "nullable" in field && field.nullable === true;

function fieldOf(name: string, declaration: Declaration): Field {
  const column = ("key" in declaration && declaration.key) || name;
  const mayBeMissing = declaration.type === "tags" || ("nullable" in declaration && declaration.nullable);
  const isRanked = declaration.type === "choice" && declaration.ranked === true;
  const operators = isRanked ? [...sets, ...ranges] : operatorsOf[declaration.type];
  return { ...declaration, name, column, operators: mayBeMissing ? [...operators, "is_null"] : operators };
}

const ranges: Operator[] = ["lt", "lte", "gt", "gte", "between"];
const sets: Operator[] = ["eq", "ne", "in", "nin"];

const operatorsOf: Record<FieldType, readonly Operator[]> = {
  text: [...sets, ...ranges, "contains", "starts_with"],
  phone: [...sets, ...ranges, "contains", "starts_with"],
  choice: sets,
  id: sets,
  instant: [...sets, ...ranges],
  integer: [...sets, ...ranges],
  boolean: ["eq", "ne"],
  reference: sets,
  tags: [...sets, "all"],
  keys: ["eq", "ne"],
};
