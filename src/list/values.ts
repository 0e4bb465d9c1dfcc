import { isId } from "../ids";
import { fold } from "../text";
import { rankOf, type Field } from "./fields";
import { readInstant, type Clock } from "./instants";
import { BadParameter } from "./query";
import type { Operator, Value } from "./request";

/** What values are read with. */
export interface ValueContext extends Clock {
  country?: string | null;
}

export const longestValue = 500;
export const largestInteger = 2_147_483_647;

/**
 * One value of a filter in the form that the field's column holds; several for the name of a group of choices.
 * @throws BadParameter that says what is wrong with it
 */
export function readValue(field: Field, op: Operator, text: string, context: ValueContext): Value[] {
  if (text === "") throw new BadParameter("empty_value", emptyMessage(field));
  if (text.length > longestValue) {
    throw new BadParameter("too_long", `must have at most ${longestValue} characters`);
  }
  switch (field.type) {
    case "text":
    case "tags":
      return [comparable(fold(text))];
    case "phone":
      return [comparable(readPhone(field.normalise, op, text, context.country ?? null))];
    case "choice":
      return readChoice(field, text);
    case "reference":
    case "keys":
      return [text];
    case "id":
      return [readId(text)];
    case "instant":
      return [readInstant(text, context)];
    case "integer":
      return [readInteger(text, field.largest ?? largestInteger)];
    case "boolean":
      return [readBoolean(text)];
  }
}

/** @throws BadParameter unless it is `true` or `false` */
export function readBoolean(text: string): boolean {
  if (text === "true" || text === "false") return text === "true";
  throw new BadParameter("invalid_boolean", "must be true or false");
}

/** @throws BadParameter unless it is a whole number that is not beyond `largest` either way */
export function readInteger(text: string, largest: number): number {
  const number = /^-?\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (Math.abs(number) <= largest) return number + 0; // -0 is 0.
  throw new BadParameter("invalid_integer", `must be a whole number, at most ${largest}`);
}

/** @throws BadParameter unless it is one of `choices` */
export function readOneOf<Choice extends string>(text: string, choices: readonly Choice[]): Choice {
  if ((choices as readonly string[]).includes(text)) return text as Choice;
  throw new BadParameter("invalid_choice", `must be one of ${choices.join(", ")}`);
}

function readChoice({ of, groups = {}, ranked }: Field & { type: "choice" }, text: string): Value[] {
  const choices = Object.hasOwn(groups, text)
    ? groups[text]!
    : [readOneOf(text, [...of, ...Object.keys(groups)])];
  return ranked ? choices.map((choice) => rankOf(of, choice)) : [...choices];
}

function readId(text: string): string {
  if (isId(text)) return text.toLowerCase(); // SQLite compares ids as text.
  throw new BadParameter("invalid_id", "must be an id, such as 01890a5d-ac96-774b-bcce-b302099a8057");
}

/** A part of a number is what was typed without its spaces and brackets: it has no country. */
function readPhone(
  normalise: (text: string, country: string | null) => string,
  op: Operator,
  text: string,
  country: string | null,
): string {
  const written = text.replace(/^ (?=\d)/, "+"); // What becomes of a + that is not escaped.
  if (op !== "contains" && op !== "starts_with") return normalise(written, country);
  const isNumber = /^[\d\s+().\-/]*\d[\d\s+().\-/]*$/.test(written);
  return isNumber ? written.replace(/[^\d+]/g, "") : fold(written);
}

/** Text that folds to nothing would be found everywhere. */
function comparable(key: string): string {
  if (key !== "") return key;
  throw new BadParameter("empty_value", "needs at least one letter, digit or sign");
}

function emptyMessage(field: Field) {
  const hint = field.operators.includes("is_null")
    ? `; for none, write filter[${field.name}][is_null]=true`
    : "";
  return `must not be empty${hint}`;
}
