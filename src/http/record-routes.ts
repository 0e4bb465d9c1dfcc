import { Type, type TSchema } from "@sinclair/typebox";
import { now } from "../clock";
import { Problems, readInstant } from "../list";
import type { Actor } from "../policy";
import type { UniqueFieldName } from "../problems";
import { created, noContent, versioned } from "./answer";
import type { Parameters } from "./parameters";
import { IdParams, NoBody, PageOf } from "./schema";

const AsOf = Type.Object({
  as_of: Type.String({
    maxLength: 64,
    code: "invalid_instant",
    description:
      "An instant such as `2026-05-04T09:00:00Z`, or relative (`now-7d`): the record as it was then.",
  }),
});

/** The instant in `as_of`, if it was given. @throws Refusal when it is none */
export function asOf({ as_of }: Parameters, { timeZone }: Actor): number | undefined {
  if (as_of === undefined) return undefined;
  const problems = new Problems();
  const instant = problems.try("as_of", () => readInstant(as_of, { now: now(), timeZone }));
  problems.refuse();
  return instant;
}

/** What tells the routes of one resource from those of another. */
interface RecordRouteOptions {
  /** What one of its records is called. */
  noun: string;
  /** A record as the API shows it. */
  view: TSchema;
  /** The fields whose values no two live records share. */
  unique: readonly UniqueFieldName[];
}

/**
 * What the routes of every resource declare alike: list, add, read, change, delete and restore its records. A resource
 * adds its fields and bodies. To be called for each mount: Elysia writes into what a route is declared with.
 * @param resource as in its path and its permissions: `clients`
 */
export const recordRoutes = <const Resource extends string>(
  resource: Resource,
  { noun, view, unique }: RecordRouteOptions,
) => {
  const may = <const Action extends string>(action: Action) => `${resource}.${action}` as const;
  const taken = unique.map((field) => `${field}_taken` as const);
  return {
    list: {
      permission: may("read"),
      returns: PageOf(view),
      detail: { summary: `List the ${resource} you may see` },
    },
    create: {
      permission: may("create"),
      answer: created(`/api/${resource}`),
      returns: view,
      problems: taken,
      detail: { summary: `Add a ${noun}` },
    },
    read: {
      permission: may("read"),
      params: IdParams,
      parameters: AsOf,
      answer: versioned,
      returns: view,
      problems: ["deleted_then", "history_gone"],
      detail: { summary: `One ${noun}` },
    },
    change: {
      permission: may("update"),
      params: IdParams,
      conditional: true,
      answer: versioned,
      returns: view,
      problems: taken,
      detail: { summary: `Change a ${noun}` },
    },
    delete: {
      permission: may("delete"),
      params: IdParams,
      body: NoBody,
      conditional: true,
      answer: noContent,
      example: {},
      detail: { summary: `Delete a ${noun}; it can be restored` },
    },
    /** An action on one record: `POST …/:id/<verb>`. */
    act: {
      permission: may("update"),
      params: IdParams,
      body: NoBody,
      conditional: true,
      answer: versioned,
      returns: view,
      example: {},
    },
    restore: {
      permission: may("delete"),
      params: IdParams,
      body: NoBody,
      conditional: true,
      answer: versioned,
      returns: view,
      problems: taken,
      example: {},
      detail: { summary: `Bring a deleted ${noun} back` },
    },
  } as const;
};
