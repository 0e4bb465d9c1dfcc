/** What routes declare about themselves, and how it is read again: for the table of methods and the OpenAPI document. */
import type { TObject, TSchema } from "@sinclair/typebox";
import type { Feature } from "../config/features";
import type { RowOf } from "../db/rows";
import type { Fields } from "../list";
import type { Permission } from "../policy";
import type { ProblemCode } from "../problems";
import type { AnswerOf } from "./answer";
import type { Exported } from "./exported";

/**
 * How the request of a route stands among the others when all of them are sent one after the other, in the order of
 * their routes. A `{{name}}` in an example stands for a value that is known by then, and so does `:id` in a path.
 */
export interface Walk {
  /** Sent after those that do not say so. */
  last?: true;
  /** What is known afterwards: name → where it stands, such as `answer.data.0.id` or `request.new_password`. */
  keeps?: Readonly<Record<string, string>>;
  /** Without these it is left out: what only whoever sends it knows, or what a server may have switched off. */
  needs?: readonly string[];
  /** What its query has to have: `q=hansen`. */
  query?: string;
  /** Whoever sent it has to sign in again. */
  endsSession?: true;
  /** Its answer goes on until somebody ends it: not among those that are sent one after the other. */
  endless?: true;
}

/** What a ticket lets its bearer do. */
export type TicketPurpose = RowOf<"tickets">["purpose"];

/** What a route may declare for the server to enforce or for the documents to say. */
export interface Declarations {
  permission: Permission;
  list: Fields;
  exported: Exported;
  filters: Fields;
  parameters: TObject;
  ticket: TicketPurpose;
  /** Without it, the route is refused: an admin may switch it off. */
  feature: Feature;
  conditional: true;
  /** The fields of a `multipart/form-data` body; those that are files have `format: "binary"`. */
  form: TObject;
  /** The media type of another body that it takes instead of the form: a text, with the rest in the query. */
  orText: string;
  answer: AnswerOf;
  /** The body of its success. */
  returns: TSchema;
  /** The problems that do not follow from its other declarations. */
  problems: readonly ProblemCode[];
  /** A body that succeeds. */
  example: unknown;
  walk: Walk;
}

/** The name under which a declaration stands in a route's OpenAPI operation. */
const keyOf = (name: keyof Declarations) => `x-${name}`;

/** The name under which a route's permission stands in its OpenAPI operation. */
export const permissionKey = keyOf("permission");

/**
 * The part of a macro that remembers what was declared. Elysia would copy all of a `detail` that a macro gives, and write all of its
 * value as JSON for a `seed` of its own: for some hundred routes and their schemas, a twentieth of a start.
 */
export function declare<Name extends keyof Declarations>(
  name: Name,
  value: Declarations[Name],
): { detail: object } {
  const macro = {
    seed: "",
    introspect: (hook: { detail?: object }) => {
      hook.detail = { ...hook.detail, [keyOf(name)]: value };
    },
  };
  // What comes of it is a detail; Elysia's own type of `introspect` is of no macro that has none of its inputs.
  return macro as unknown as { detail: object };
}

/** A route as Elysia lists it. */
export interface MountedRoute {
  method: string;
  path: string;
  hooks: { detail?: Record<string, unknown>; body?: unknown; params?: unknown };
}

/** A route with everything that it declares. */
export interface DeclaredRoute extends Partial<Declarations> {
  method: string;
  path: string;
  body?: TSchema;
  params?: TSchema;
  /** The standard members of its OpenAPI operation. */
  detail: { summary?: string; description?: string; tags?: string[]; responses?: object; hide?: boolean };
}

const names = Object.keys({
  permission: true,
  list: true,
  exported: true,
  filters: true,
  parameters: true,
  ticket: true,
  feature: true,
  conditional: true,
  form: true,
  orText: true,
  answer: true,
  returns: true,
  problems: true,
  example: true,
  walk: true,
} satisfies Record<keyof Declarations, true>) as (keyof Declarations)[];

/** The server's own routes; preflights are not among them. */
export function declaredRoutes(routes: readonly MountedRoute[]): DeclaredRoute[] {
  return routes.filter(({ method }) => method !== "OPTIONS").map(declaredRoute);
}

function declaredRoute({ method, path, hooks }: MountedRoute): DeclaredRoute {
  const { detail = {}, body, params } = hooks;
  const declared = names.map((name) => [name, detail[keyOf(name)]]);
  const standard = Object.entries(detail).filter(([name]) => !name.startsWith("x-"));
  return {
    ...{ method, path, body: body as TSchema | undefined, params: params as TSchema | undefined },
    ...Object.fromEntries(declared.filter(([, value]) => value !== undefined)),
    detail: Object.fromEntries(standard),
  };
}
