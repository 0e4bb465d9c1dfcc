import type { Scenario } from "./scenario";

/** Where bodies are sent, and by whom. */
type Request = Pick<Scenario, "by" | "post" | "patch">;

interface BodyRules {
  /** Fields that may be missing. */
  optional?: string[];
  /** The body itself may be missing. */
  mayBeAbsent?: boolean;
}

const tooLong = "x".repeat(10_000);
const json = { "content-type": "application/json" };

/** All that may be wrong with a body whose fields are texts: none of it changes anything. */
export function refusedBodies(
  request: Request,
  valid: Record<string, string>,
  { optional = [], mayBeAbsent = false }: BodyRules = {},
): Scenario[] {
  const fields = Object.keys(valid);
  return [
    ...unknownFields(request, valid),
    ...fields.flatMap((field) => refusedValues(request, valid, field)),
    ...fields
      .filter((field) => !optional.includes(field))
      .map((field) => refusedField(`${field} is missing`, request, without(valid, field), field, "required")),
    ...refusedDocuments(request, mayBeAbsent),
  ];
}

function unknownFields(request: Request, valid: Record<string, string>) {
  return ["id", "is_active", "password_hash", "constructor", "a/b~c"].map((field) =>
    refusedField(`unknown ${field}`, request, { ...valid, [field]: "x" }, field, "unknown_field"),
  );
}

function refusedValues(request: Request, valid: Record<string, string>, field: string) {
  const wrong: [name: string, value: unknown, code?: string][] = [
    ["null", null],
    ["a number", 5],
    ["a boolean", true],
    ["a list", ["x"]],
    ["an object", { x: "x" }],
    ["huge", tooLong, "too_long"],
    ["NUL", `${valid[field]}\0`, "invalid_characters"],
    ["half a surrogate pair", `${valid[field]}\ud83d`, "invalid_characters"],
  ];
  return wrong.map(([name, value, code]) =>
    refusedField(`${field} is ${name}`, request, { ...valid, [field]: value }, field, code),
  );
}

function refusedField(
  name: string,
  request: Request,
  body: unknown,
  field: string,
  fieldCode?: string,
): Scenario {
  return {
    ...request,
    name,
    body,
    status: 422,
    problem: { code: "validation_failed", field, ...(fieldCode && { fieldCode }) },
    never: [tooLong.slice(0, 1_000)],
    events: [],
  };
}

function refusedDocuments(request: Request, mayBeAbsent: boolean): Scenario[] {
  const body = (name: string, raw: Scenario["raw"], status: number, headers = json): Scenario => {
    return { ...request, name, raw, headers, status, events: [] };
  };
  return [
    body("not JSON", "{", 400),
    body("not UTF-8", new Uint8Array([0x7b, 0xff, 0x7d]), 400),
    body("nests too deep", `{"x":${"[".repeat(5_000)}"\\u0000"${"]".repeat(5_000)}}`, 400),
    body("too large", `{"x":"${"x".repeat(1_100_000)}"}`, 413),
    body("a form", "email=x", 415, { "content-type": "application/x-www-form-urlencoded" }),
    body("another charset", "{}", 415, { "content-type": "application/json; charset=utf-16" }),
    body("a list", "[]", 422),
    body("a text", '"x"', 422),
    body("null", "null", 422),
    ...(mayBeAbsent ? [] : [{ ...request, name: "no body", status: 422, events: [] }]),
  ];
}

function without(valid: Record<string, string>, field: string) {
  const { [field]: _, ...others } = valid;
  return others;
}
