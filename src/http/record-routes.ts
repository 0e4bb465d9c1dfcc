import { created, noContent, versioned } from "./answer";
import { IdParams, NoBody } from "./schema";

/**
 * What the routes of every resource declare alike: list, add, read, change, delete and restore its records. A resource
 * adds its fields and bodies.
 * @param resource as in its path and its permissions: `clients`
 * @param noun what one of them is called
 */
export const recordRoutes = <const Resource extends string>(resource: Resource, noun: string) => {
  const may = <const Action extends string>(action: Action) => `${resource}.${action}` as const;
  return {
    list: { permission: may("read"), detail: { summary: `List the ${resource} you may see` } },
    create: {
      permission: may("create"),
      answer: created(`/api/${resource}`),
      detail: { summary: `Add a ${noun}` },
    },
    read: {
      permission: may("read"),
      params: IdParams,
      answer: versioned,
      detail: { summary: `One ${noun}` },
    },
    change: {
      permission: may("update"),
      params: IdParams,
      conditional: true,
      answer: versioned,
      detail: { summary: `Change a ${noun}` },
    },
    delete: {
      permission: may("delete"),
      params: IdParams,
      conditional: true,
      answer: noContent,
      detail: { summary: `Delete a ${noun}; it can be restored` },
    },
    /** An action on one record: `POST …/:id/<verb>`. */
    act: {
      permission: may("update"),
      params: IdParams,
      body: NoBody,
      conditional: true,
      answer: versioned,
    },
    restore: {
      permission: may("delete"),
      params: IdParams,
      body: NoBody,
      conditional: true,
      answer: versioned,
      detail: { summary: `Bring a deleted ${noun} back` },
    },
  } as const;
};
