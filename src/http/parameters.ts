import type { TObject, TString } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { BadParameter, Problems, splitQuery } from "../list";
import type { QueryCode } from "../problems";
import { Id } from "./schema";

/** Parameters of a query by name, those that were given. */
export type Parameters = Readonly<Record<string, string>>;

/**
 * Reads a query that is no list's.
 * @throws Refusal 400 that names every parameter that cannot be taken, and why
 */
export function readParameters(schema: TObject<Record<string, TString>>, query: string): Parameters {
  const problems = new Problems();
  const read: Record<string, string> = {};
  for (const [name, text] of splitQuery(query, problems)) {
    problems.try(name, () => {
      const part = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
      if (!part) throw new BadParameter("unknown_parameter", "is not a parameter of this endpoint");
      if (name in read) throw new BadParameter("repeated_parameter", "is given twice");
      if (!Value.Check(part, text)) {
        throw new BadParameter(codeOf(part), part.description ?? "does not have the right form");
      }
      read[name] = isIdSchema(part) ? text.toLowerCase() : text;
    });
  }
  problems.refuse();
  return read;
}

/** With what a parameter is refused that does not fit: its schema says so in `code`, unless it is an id. */
export const codeOf = (schema: TString): QueryCode =>
  isIdSchema(schema) ? "invalid_id" : (schema["code"] as QueryCode);

const isIdSchema = ({ pattern }: TString) => pattern === Id.pattern;
