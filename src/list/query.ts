import { Refusal, type FieldError } from "../errors";
import type { QueryCode } from "../problems";

/** Why one parameter cannot be taken. */
export class BadParameter extends Error {
  constructor(
    readonly code: QueryCode,
    message: string,
  ) {
    super(message);
  }
}

/** Gathers what is wrong with a query, so that the caller learns all of it at once. */
export class Problems {
  readonly #errors: (FieldError & { code: QueryCode })[] = [];

  /** What `read` returns, or `undefined` when it throws a `BadParameter`, which is noted under `name`. */
  try<T>(name: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof BadParameter)) throw error;
      this.#errors.push({ field: printable(name), code: error.code, message: error.message });
      return undefined;
    }
  }

  /** @throws Refusal when anything was noted */
  refuse(): void {
    const [first, ...others] = this.#errors;
    if (!first) return;
    const more = others.length > 0 ? ` (and ${others.length} more)` : "";
    throw new Refusal("malformed", first.code, `${first.field}: ${first.message}${more}`, {
      errors: this.#errors.slice(0, 50),
    });
  }
}

/** The parameters of a raw query in their order, decoded; names may repeat. */
export function splitQuery(query: string, problems: Problems): [name: string, text: string][] {
  const parameters: [string, string][] = [];
  for (const part of query.split("&")) {
    if (part === "") continue;
    const end = part.indexOf("=");
    const rawName = end < 0 ? part : part.slice(0, end);
    problems.try(rawName, () =>
      parameters.push([decode(rawName), end < 0 ? "" : decode(part.slice(end + 1))]),
    );
  }
  return parameters;
}

/** As forms encode: `+` is a space. */
function decode(raw: string): string {
  const text = decodePercent(raw.replaceAll("+", " "));
  // PostgreSQL stores neither; SQLite would compare with something else than was sent.
  if (text.includes("\0") || !text.isWellFormed()) {
    throw new BadParameter("invalid_characters", "must not contain NUL or half a surrogate pair");
  }
  return text;
}

function decodePercent(text: string) {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    throw new BadParameter("malformed_encoding", "is not percent-encoded UTF-8: write % as %25");
  }
}

/** A name as it can be shown: it may be anything at all. */
const printable = (name: string) => name.toWellFormed().replaceAll("\0", "\ufffd").slice(0, 200);
