import { ValidationError } from "elysia";
import type { Static, TSchema } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { ValueErrorType, type ValueError } from "@sinclair/typebox/errors";
import { DbError } from "../db/errors";
import { BlobError } from "../integrations/blobs/blobs";
import { Busy, Conflict, Invalid, NotFound, Refusal, type FieldError } from "../errors";

/**
 * The refusal behind what was thrown: one of ours, a schema that does not match, or a database that is busy,
 * full or away. `undefined` means that the fault is ours and has to be logged.
 */
export function refusalOf(error: unknown): Refusal | undefined {
  for (let e = error, depth = 0; e instanceof Error && depth < 5; e = e.cause, depth++) {
    if (e instanceof Refusal) return e;
    if (e instanceof ValidationError) return refuseInput(e);
    if (e instanceof DbError) return refuseByDatabase(e);
    if (e instanceof BlobError) return refuseByBlobs(e);
    if (e.name === "AbortError") return brokenOff(e);
  }
  return undefined;
}

/** The caller went away in the middle of the body: nobody hears this. */
const brokenOff = (cause: Error) =>
  new Refusal("malformed", "broken_off", "The request broke off before its end.", { cause });

function refuseByDatabase(error: DbError): Refusal | undefined {
  switch (error.kind) {
    case "unique":
      return new Conflict("already_exists", "Another record already has this value.");
    case "busy":
    case "retry":
      return new Busy("The database is busy.", 1_000, error);
    case "deadline":
      return new Busy("The database took too long, and nothing was changed.", 1_000, error);
    case "unavailable":
      return new Busy("The database cannot be reached.", 5_000, error);
    case "full":
      return full(error);
    default:
      return undefined;
  }
}

const refuseByBlobs = (error: BlobError): Refusal =>
  error.kind === "full" ? full(error) : new Busy("Files cannot be kept right now.", 5_000, error);

const full = (cause: Error) =>
  new Refusal("no_space", "no_space", "The server's disk is full. Nothing was saved.", { cause });

/** Params that do not fit name nothing that exists: 404. Everything else is the body's fault: 422. */
function refuseInput(error: ValidationError): Refusal {
  if (error.type === "params") return new NotFound("resource");
  const validator = error.validator as { Errors(value: unknown): Iterable<ValueError> };
  return new Invalid(fieldErrors(validator.Errors(error.value)));
}

/** What fits a schema, as what it then is. @throws Invalid for what does not */
export function assertFits<Schema extends TSchema>(schema: Schema, value: unknown): Static<Schema> {
  if (Value.Check(schema, value)) return value;
  throw new Invalid(fieldErrors(Value.Errors(schema, value)));
}

const mostErrors = 50;

/**
 * One error for each field: the first that TypeBox found, in words a person understands. TypeBox looks for the next
 * one only when it is asked: a body of a million mistakes is not read to its end.
 */
function fieldErrors(found: Iterable<ValueError>): FieldError[] {
  const byField = new Map<string, FieldError>();
  for (const error of meant(found)) {
    const field = fieldName(error.path);
    if (!byField.has(field)) byField.set(field, { field, ...describe(error) });
    if (byField.size === mostErrors) break;
  }
  return [...byField.values()];
}

/** `/tags/0` → `tags.0`; the body itself is `body`. */
function fieldName(pointer: string) {
  const name = pointer
    .slice(1)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .join(".");
  return name === "" ? "body" : name.slice(0, 200);
}

type Description = Omit<FieldError, "field">;

function describe({ type, schema, message }: ValueError): Description {
  switch (type) {
    case ValueErrorType.ObjectRequiredProperty:
      return { code: "required", message: "is required" };
    case ValueErrorType.ObjectAdditionalProperties:
      return { code: "unknown_field", message: "is not a field of this resource" };
    case ValueErrorType.StringMinLength:
      return schema.minLength === 1
        ? { code: "too_short", message: "must not be empty" }
        : { code: "too_short", message: `must have at least ${schema.minLength} characters` };
    case ValueErrorType.StringMaxLength:
      return { code: "too_long", message: `must have at most ${schema.maxLength} characters` };
    case ValueErrorType.ArrayMinItems: // There is no list that wants more than one.
      return { code: "too_few", message: "must not be empty" };
    case ValueErrorType.ArrayMaxItems:
      return { code: "too_many", message: `must have at most ${schema.maxItems} entries` };
    case ValueErrorType.ArrayUniqueItems:
      return { code: "repeated", message: "must not repeat an entry" };
    case ValueErrorType.StringFormat:
    case ValueErrorType.StringPattern:
      return { code: "invalid_format", message: schema.description ?? "does not have the right form" };
    case ValueErrorType.Literal:
      return { code: "invalid_choice", message: typeMessage(schema)! };
    case ValueErrorType.Union:
      return describeChoice(schema);
    default:
      return { code: "invalid_type", message: typeMessage(schema) ?? message.toLowerCase() };
  }
}

/** Of a `T | null`, what is wrong with the T: that is what the caller meant. */
function* meant(found: Iterable<ValueError>): Generator<ValueError> {
  for (const error of found) {
    const parts = (error.type === ValueErrorType.Union ? error.schema.anyOf : []) as TSchema[];
    if (parts[1]?.type === "null" && error.errors[0]) yield* meant(error.errors[0]);
    else yield error;
  }
}

/** A choice of literals. */
function describeChoice({ anyOf }: TSchema): Description {
  const choices = (anyOf as TSchema[]).map((part) => String(part.const));
  return { code: "invalid_choice", message: `must be one of ${choices.join(", ")}` };
}

function typeMessage(schema: TSchema): string | undefined {
  if ("const" in schema) return `must be ${JSON.stringify(schema.const)}`;
  const names: Record<string, string> = {
    string: "must be text",
    number: "must be a number",
    integer: "must be a whole number",
    boolean: "must be true or false",
    array: "must be a list",
    object: "must be an object",
  };
  return names[schema.type as string];
}
