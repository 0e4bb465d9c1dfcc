import { Type, type SchemaOptions, type TObject, type TSchema } from "@sinclair/typebox";
import type { Field, Fields } from "./fields";
import { countings, deletedModes, largestLimit, lastRecordByPage, mostSortKeys } from "./parameters";
import { longestQuery } from "../search/query";
import type { Operator, SortKey } from "./request";
import { largestInteger, longestValue } from "./values";

/** Every query parameter that a list of these fields takes, as the documents show them; `parseList` reads them. */
export function listQuery(fields: Fields): TObject {
  return queryOf([...ownParameters(fields), ...searches(fields), ...filters(fields), ...shortcuts(fields)]);
}

/** Every query parameter where these fields are filtered by and nothing is listed; `parseFilters` reads them. */
export function filterQuery(fields: Fields): TObject {
  return queryOf([...searches(fields), ...filters(fields), ...shortcuts(fields)]);
}

const queryOf = (parameters: Parameter[]) =>
  Type.Object(Object.fromEntries(parameters.map(([name, schema]) => [name, Type.Optional(schema)])));

type Parameter = [name: string, schema: TSchema];

function ownParameters({ sortKeys, defaultSort, softDeleted }: Fields): Parameter[] {
  const keys = sortKeys.join(", ");
  const deleted = {
    description: "The deleted records that you may restore: alone, or among the others.",
    enum: deletedModes,
  };
  return [
    ["page", Type.Integer({ minimum: 1, maximum: lastRecordByPage, description: "Which page, from 1." })],
    ["limit", Type.Integer({ minimum: 1, maximum: largestLimit, default: 20, description: "How many." })],
    ["cursor", Type.String({ description: "`next_cursor` of the page before, in place of `page`." })],
    [
      "sort",
      Type.String({
        default: defaultSort.map(sortText).join(),
        description: `Up to ${mostSortKeys} of ${keys}, with commas; \`-\` before one for descending.`,
      }),
    ],
    [
      "count",
      Type.String({
        enum: countings,
        default: "capped",
        description: "How to count: to 1,000, to the end, or not at all.",
      }),
    ],
    ...(softDeleted ? [["deleted", Type.String(deleted)] satisfies Parameter] : []),
  ];
}

function searches({ search }: Fields): Parameter[] {
  if (search === "none") return [];
  const description =
    'Words or parts of them, in any order; `"these in this order"`, `-without`; parts of mail addresses and telephone ' +
    `numbers. The first ${longestQuery} letters count.`;
  const text = { minLength: 1, description };
  return [
    ["q", Type.String(text)],
    ["search", Type.String({ minLength: 1, description: "The same as `q`, in its place." })],
  ];
}

const sortText = ({ field, descending }: SortKey) => (descending ? `-${field}` : field);

const filters = ({ byName }: Fields): Parameter[] =>
  [...byName.values()].flatMap((field) => field.operators.map((op) => filter(field, op)));

/** `filter[field][eq]` is `filter[field]`. */
function filter(field: Field, op: Operator): Parameter {
  const name = op === "eq" ? `filter[${field.name}]` : `filter[${field.name}][${op}]`;
  return [name, operand(field, op)];
}

const shortcuts = ({ shortcuts: short, byName }: Fields): Parameter[] =>
  [...short].map(([name, field]) => [
    name,
    value(byName.get(field)!, { description: `Short for \`filter[${field}]\`.` }),
  ]);

const meanings: Record<Operator, string> = {
  eq: "Equals this.",
  ne: "Is not this.",
  in: "Is one of these, with commas; `\\,` is a comma.",
  nin: "Is none of these, with commas; `\\,` is a comma.",
  all: "Has all of these, with commas; `\\,` is a comma.",
  lt: "Is less, or earlier.",
  lte: "Is not greater, or not later.",
  gt: "Is greater, or later.",
  gte: "Is not less, or not earlier.",
  between: "From the first to the second, with a comma between.",
  contains: "Has this in it.",
  starts_with: "Begins with this.",
  is_null: "Has no value, or has one.",
  search: "Has these words.",
  any: "Meets one of these groups.",
};

function operand(field: Field, op: Operator): TSchema {
  const description = field.via
    ? `${meanings[op]} The ${field.via.relation}'s, where you may see it.`
    : meanings[op];
  if (op === "is_null") return Type.Boolean({ description });
  const isText = op === "in" || op === "nin" || op === "all" || op === "between";
  return isText ? Type.String({ description }) : value(field, { description });
}

function value(field: Field, options: SchemaOptions): TSchema {
  switch (field.type) {
    case "choice":
      return Type.String({ ...options, enum: [...field.of, ...Object.keys(field.groups ?? {})] });
    case "id":
      return Type.String({ ...options, format: "uuid" });
    case "instant":
      return Type.String({
        ...options,
        description: `${options.description} An instant such as \`2026-05-04T09:00:00Z\`, or relative: \`now-7d\`, \`today\`.`,
      });
    case "integer":
      return Type.Integer({ ...options, maximum: field.largest ?? largestInteger });
    case "boolean":
      return Type.Boolean(options);
    case "reference":
    case "keys":
      return Type.String(options);
    default:
      return Type.String({ ...options, minLength: 1, maxLength: longestValue });
  }
}
