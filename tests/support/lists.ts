import { expect } from "bun:test";
import type { Name } from "./people";
import type { Scenario } from "./scenario";

/**
 * Scenarios for the list at `path`, asked for by `by`: a query, and the names of the records that it shows, in their order
 * where it is sorted.
 */
export const showing =
  (path: string, by: Name) =>
  (query: string, names: string, rest: Partial<Scenario> = {}): Scenario => ({
    by,
    get: `${path}?${query}`,
    status: 200,
    ...rest,
    then: ({ ids }, { json }) => {
      const found = json.data.map(({ id }: { id: string }) =>
        Object.keys(ids).find((name) => ids[name] === id),
      );
      const wanted = names.split(" ").filter((name) => name !== "");
      if (query.includes("sort=")) expect(found).toEqual(wanted);
      else expect(found.toSorted()).toEqual(wanted.toSorted());
    },
  });
