import { sql, type SQL } from "drizzle-orm";
import { hot, type HotQuery, type Params, type Query, type Shape } from "../../db/hot";
import { folderColumns, type FolderRow } from "./store";

/** Up and down the tree: each with one statement, along the primary key and `folders_by_parent`. */

/** Folders lie in each other at most so deep. */
export const deepest = 100;

/** One folder on the way up. */
export interface Ancestor {
  id: string;
  name: string;
  /** 1 for the folder itself. */
  depth: number;
}

/** A folder and those that it lies in, from it upwards. */
export const upwards = hot(({ t: { folders }, q }, p: Params<{ id: string }>) => {
  const way = sql`(with recursive up(id, name, parent_id, depth) as (
    select ${folders.id}, ${folders.name}, ${folders.parent_id}, 1 from ${folders} where ${folders.id} = ${p.id}
    union all select ${folders.id}, ${folders.name}, ${folders.parent_id}, up.depth + 1
    from up join ${folders} on ${folders.id} = up.parent_id where up.depth <= ${sql.raw(String(deepest))}
  ) select id, name, depth from up) as up`;
  return q
    .select({
      id: sql<string>`up.id`,
      name: sql<string>`up.name`,
      depth: sql<number>`up.depth`.mapWith(Number),
    })
    .from(way)
    .orderBy(sql`up.depth`) as unknown as Query<Ancestor>;
});

/** How far down the folders lie that are in a folder: 0 when there are none. */
export const heightBelow = hot(({ t: { folders }, q, dialect }, p: Params<{ id: string }>) => {
  const isInside = sql`${folders.parent_id} = down.id and ${folders.deleted_at} is null`;
  const tree = sql`(with recursive down(id, depth) as (
    select ${folders.id}, 0 from ${folders} where ${folders.id} = ${p.id}
    union all select ${folders.id}, down.depth + 1 from down cross join ${dialect.lookedUp(folders, isInside)}
  ) select max(depth) as height from down) as tree`;
  return q.select({ height: sql<number>`tree.height`.mapWith(Number) }).from(tree) as unknown as Query<{
    height: number;
  }>;
});

/** A folder below another. */
export type Descendant = FolderRow & { depth: number };

/** Which of the folders below another; those in one that does not count do not count either. */
const below = <Args extends { id: string; levels: number; most: number }>(
  counts: (shape: Shape, p: Params<Args>) => SQL,
): HotQuery<Args, Descendant> =>
  hot((shape: Shape, p: Params<Args>) => {
    const { folders } = shape.t;
    const isCounted = counts(shape, p);
    const isInside = sql`${folders.parent_id} = down.id and ${isCounted} and down.depth < ${p.levels}`;
    const columns = Object.entries(folderColumns(shape.t));
    const selected = sql.join(
      columns.map(([, column]) => sql`${column}`),
      sql`, `,
    );
    const names = sql.raw(columns.map(([name]) => name).join(", "));
    // Level by level, so that a limit leaves out what is deepest.
    const tree = sql`(with recursive down(${names}, depth) as (
      select ${selected}, 1 from ${folders} where ${folders.parent_id} = ${p.id} and ${isCounted}
      union all select ${selected}, down.depth + 1
      from down cross join ${shape.dialect.lookedUp(folders, isInside)}
    ) select * from down limit ${p.most}) as down`;
    const selection = columns.map(([name, column]) => [
      name,
      sql`${sql.raw(`down.${name}`)}`.mapWith(column),
    ]);
    return shape.q
      .select({
        ...(Object.fromEntries(selection) as Record<string, SQL>),
        depth: sql<number>`down.depth`.mapWith(Number),
      })
      .from(tree) as unknown as Query<Descendant>;
  });

/** The live folders in a folder, to so many levels, at most so many of them. */
export const liveBelow = below<{ id: string; levels: number; most: number }>(
  ({ t: { folders } }) => sql`${folders.deleted_at} is null`,
);

/**
 * Those that were deleted at one instant: with the folder that they are in. Compared in a way that no index of what is deleted
 * answers: PostgreSQL would go through all of it for each folder.
 */
export const deletedBelow = below<{ id: string; levels: number; most: number; deleted_at: number }>(
  ({ t: { folders } }, p) => sql`coalesce(${folders.deleted_at}, 0) = ${p.deleted_at}`,
);
