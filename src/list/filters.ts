import type { Field, Fields } from "./fields";
import { BadParameter } from "./query";
import type { Filter, Operator, Value } from "./request";
import { readBoolean, readValue, type ValueContext } from "./values";

const mostValues = 200;
const form = /^filter\[([^[\]]+)\](?:\[([^[\]]+)\])?$/;

/** Which field a parameter filters by, and how. */
export interface FilterName {
  field: Field;
  op: Operator;
}

/**
 * Reads the name of a parameter as a filter: `filter[field]`, `filter[field][op]` or one of the shortcuts.
 * `undefined` if it is none of these.
 * @throws BadParameter when the field or the operator is unknown
 */
export function readFilterName(fields: Fields, name: string): FilterName | undefined {
  const shortcut = fields.shortcuts.get(name);
  if (shortcut !== undefined) return { field: fieldNamed(fields, shortcut), op: "eq" };
  if (!name.startsWith("filter")) return undefined;
  const [, fieldName, op = "eq"] = form.exec(name) ?? [];
  if (fieldName === undefined) {
    throw new BadParameter(
      "unknown_parameter",
      "is not written as filter[field]=value, filter[field][op]=value or filter[or][0][field]=value",
    );
  }
  const field = fieldNamed(fields, fieldName);
  if (!isOfferedBy(field, op)) {
    const offered = `is not an operator of ${field.name}, which has ${field.operators.join(", ")}`;
    throw new BadParameter("unknown_operator", offered);
  }
  return { field, op };
}

/** @throws BadParameter that says what is wrong with the value */
export function readFilter({ field, op }: FilterName, text: string, context: ValueContext): Filter {
  const { name } = field;
  if (op === "is_null") return { field: name, op, values: [readBoolean(text)] };
  if (op === "between") return { field: name, op, values: readBounds(field, text, context) };
  const texts = isList(op) ? splitList(text) : [text];
  if (texts.length > mostValues)
    throw new BadParameter("too_many_values", `takes at most ${mostValues} values`);
  const values = [...new Set(texts.flatMap((part) => readValue(field, op, part, context)))];
  return { field: name, op: forCount(op, values.length), values };
}

const isList = (op: Operator) => op === "in" || op === "nin" || op === "all";

/** The name of a group stands for several values, so that to equal it is to be among them. */
function forCount(op: Operator, count: number): Operator {
  if (count === 1) return op;
  return op === "eq" ? "in" : op === "ne" ? "nin" : op;
}

function readBounds(field: Field, text: string, context: ValueContext): Value[] {
  const bounds = splitList(text);
  if (bounds.length !== 2)
    throw new BadParameter("invalid_range", "takes two values: the first, a comma, the last");
  return bounds.flatMap((part) => readValue(field, "between", part, context));
}

/** Splits at commas; `\,` is a comma and `\\` a backslash. */
function splitList(text: string): string[] {
  if (!text.includes("\\")) return text.split(",");
  const parts = [""];
  for (const [token] of text.matchAll(/\\[,\\]|[^]/gu)) {
    if (token === ",") parts.push("");
    else parts.push(parts.pop() + (token === "\\," || token === "\\\\" ? token.slice(1) : token));
  }
  return parts;
}

function fieldNamed(fields: Fields, name: string): Field {
  const field = fields.byName.get(name);
  if (field) return field;
  const known = [...fields.byName.keys()].join(", ");
  throw new BadParameter("unknown_field", `is not a field to filter by; these are: ${known}`);
}

const isOfferedBy = (field: Field, op: string): op is Operator =>
  (field.operators as readonly string[]).includes(op);
