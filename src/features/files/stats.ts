import { desc, sql } from "drizzle-orm";
import { count } from "../../db/count";
import { hotByShape, type Query } from "../../db/hot";
import { settled, type ListScope } from "../../db/list-scope";
import type { Store } from "../../db/store";

/** How many files there are, and how many bytes they have. */
export interface FileCounts {
  total: number;
  bytes: number;
}

/** The same of one media type. */
export interface TypeCounts extends FileCounts {
  file_type: string;
}

const counts = hotByShape<TypeCounts>();

/** Counts files by their types, off the event loop where they are many; those with the most bytes come first. */
export async function countByType(
  store: Pick<Store, "read" | "aside">,
  listed: ListScope,
): Promise<TypeCounts[]> {
  const scope = await settled(store, "files", listed);
  return counts.all(
    scope.isFew ? store.read : store.aside(scope.caller),
    scope.shape,
    (shape, p) => {
      const { files } = shape.t;
      const bytes = sql<number>`coalesce(sum(${files.file_size}), 0)`.mapWith(Number);
      return shape.q
        .select({ file_type: files.file_type, total: count(), bytes })
        .from(files)
        .where(scope.where(shape, p))
        .groupBy(files.file_type)
        .orderBy(desc(bytes), files.file_type) as unknown as Query<TypeCounts>;
    },
    scope.args,
  );
}

/** All types together. */
export const sumOf = (types: readonly FileCounts[]): FileCounts => ({
  total: types.reduce((sum, { total }) => sum + total, 0),
  bytes: types.reduce((sum, { bytes }) => sum + bytes, 0),
});
