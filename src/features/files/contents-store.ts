import { and, asc, eq, gt, isNull, sql } from "drizzle-orm";
import { hot, type Params, type Query } from "../../db/hot";
import { insertManyInto, recordColumns, type RowOf } from "../../db/rows";
import type { FileText } from "./search";

/** What the bytes of files tell, as it is stored. */
export type ContentsRow = RowOf<"contents">;
/** A picture of an image, as it is stored. */
export type PreviewRow = RowOf<"previews">;

/** What some bytes tell. */
export const contentsOf = hot(({ t: { contents }, q }, p: Params<{ hash: string }>) =>
  q.select().from(contents).where(eq(contents.hash, p.hash)).limit(1),
);

/** Whether they were read, without their text. */
export const stateOf = hot(({ t: { contents }, q }, p: Params<{ hash: string }>) =>
  q
    .select({ state: contents.state, problem: contents.problem })
    .from(contents)
    .where(eq(contents.hash, p.hash))
    .limit(1),
);

/** The text in some bytes alone. */
export const textOf = hot(({ t: { contents }, q }, p: Params<{ hash: string }>) =>
  q.select({ text: contents.text }).from(contents).where(eq(contents.hash, p.hash)).limit(1),
);

/** The texts in bytes by a JSON array of their hashes. */
export const textsOf = hot(({ t: { contents }, q, dialect }, p: Params<{ hashes: string }>) =>
  q
    .select({ hash: contents.hash, text: contents.text })
    .from(contents)
    .where(dialect.isAmong(contents.hash, p.hashes)),
);

const excluded = (column: string) => sql`excluded.${sql.identifier(column)}`;

/** Writes what some bytes tell, whatever was known before. */
export const putContents = hot(({ t: { contents }, q }, p: Params<ContentsRow>) => {
  const { hash, state, problem, metadata, text, is_cut, read_at } = p;
  const set = ["state", "problem", "metadata", "text", "is_cut", "read_at"] as const;
  // The columns of `set` are known when it runs, so Drizzle cannot infer the row; it returns none.
  return q
    .insert(contents)
    .values({ hash, state, problem, metadata, text, is_cut, read_at })
    .onConflictDoUpdate({
      target: contents.hash,
      set: Object.fromEntries(set.map((column) => [column, excluded(column)])),
    }) as unknown as Query<never>;
});

/** Says that they are read again; what is known meanwhile stays. */
export const markPending = hot(({ t: { contents }, q }, p: Params<{ hash: string }>) =>
  q
    .update(contents)
    .set({ state: sql`'pending'` })
    .where(eq(contents.hash, p.hash))
    .returning({ hash: contents.hash }),
);

/** Pictures of an image. */
export const previewsOf = hot(({ t: { previews }, q }, p: Params<{ hash: string }>) =>
  q.select().from(previews).where(eq(previews.hash, p.hash)),
);

/** One of them. */
export const previewOf = hot(({ t: { previews }, q }, p: Params<{ hash: string; size: string }>) =>
  q
    .select()
    .from(previews)
    .where(and(eq(previews.hash, p.hash), eq(previews.size, p.size)))
    .limit(1),
);

/** Adds pictures of an image. */
export const insertPreviews = insertManyInto("previews");

/** Removes the pictures of an image; gives which bytes they had. */
export const dropPreviews = hot(({ t: { previews }, q }, p: Params<{ hash: string }>) =>
  q.delete(previews).where(eq(previews.hash, p.hash)).returning({ checksum: previews.checksum }),
);

/** The next files that have some bytes, the oldest first, deleted or not. */
export const filesWith = hot(
  (shape, p: Params<{ checksum: string; at: number; after: string; most: number }>) => {
    const { files } = shape.t;
    const isLater = sql`(${files.created_at}, ${files.id}) > (${p.at}, ${p.after})`;
    const found = shape.q
      .select(recordColumns("files")(shape.t))
      .from(files)
      .where(and(eq(files.checksum, p.checksum), isLater))
      .orderBy(asc(files.created_at), asc(files.id))
      .limit(p.most);
    return found as PromiseLike<unknown> as Query<FileText & { id: string; created_at: number }>;
  },
);

/** The next bytes that nobody looked into, and the type of a file that has them, in the order of their hashes. */
export const unreadAfter = hot(({ t: { files, contents }, q }, p: Params<{ after: string; most: number }>) =>
  q
    .select({ hash: files.checksum, file_type: sql<string>`min(${files.file_type})` })
    .from(files)
    .leftJoin(contents, eq(contents.hash, files.checksum))
    .where(and(gt(files.checksum, p.after), isNull(contents.hash)))
    .groupBy(files.checksum)
    .orderBy(asc(files.checksum))
    .limit(p.most),
);
