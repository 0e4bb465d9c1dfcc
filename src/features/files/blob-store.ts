import { and, asc, eq, gt, ne, notExists, sql } from "drizzle-orm";
import { hot, value, type Params } from "../../db/hot";
import { insertInto, type RowOf } from "../../db/rows";

/** Bytes that files have, and where they are. */
export type BlobRow = RowOf<"blobs">;

/** Adds bytes that no file has. */
export const insertBlob = insertInto("blobs");

/** Marks bytes as wanted by one more file, and gives them, if there are any with this hash. */
export const useBlob = hot(({ t: { blobs }, q }, p: Params<Pick<BlobRow, "hash" | "used_at">>) =>
  q
    .update(blobs)
    .set({ used_at: value(blobs.used_at, p.used_at) })
    .where(eq(blobs.hash, p.hash))
    .returning({ key: blobs.key, size: blobs.size }),
);

/** Says where the same bytes are, in the place of a key whose own were lost. */
export const moveBlob = hot(
  ({ t: { blobs }, q }, p: Params<Pick<BlobRow, "hash" | "key"> & { lost: string }>) =>
    q
      .update(blobs)
      .set({ key: value(blobs.key, p.key) })
      .where(and(eq(blobs.hash, p.hash), eq(blobs.key, p.lost)))
      .returning({ key: blobs.key }),
);

/** Removes bytes that no file has any more, nor a picture of one, nor of somebody. */
export const dropBlob = hot(({ t: { blobs, files, previews, avatars }, q }, p: Params<{ hash: string }>) => {
  // A picture that is made of these very bytes goes with them.
  const isOfOthers = ne(previews.hash, blobs.hash);
  const hasNone = ([[files], [previews, isOfOthers], [avatars]] as const).map(([table, others]) =>
    notExists(
      q
        .select({ one: sql`1` })
        .from(table as typeof files)
        .where(and(eq(table.checksum, blobs.hash), others)),
    ),
  );
  return q
    .delete(blobs)
    .where(and(eq(blobs.hash, p.hash), ...hasNone))
    .returning({ key: blobs.key });
});

/** The SHA-256 of the pictures of an image. */
export const picturesOf = hot(({ t: { previews }, q }, p: Params<{ hash: string }>) =>
  q.select({ checksum: previews.checksum }).from(previews).where(eq(previews.hash, p.hash)),
);

/** Bytes by their hash. */
export const blobByHash = hot(({ t: { blobs }, q }, p: Params<{ hash: string }>) =>
  q.select({ key: blobs.key, size: blobs.size }).from(blobs).where(eq(blobs.hash, p.hash)).limit(1),
);

/** The next bytes after a hash, in the order of those. */
export const blobsAfter = hot(({ t: { blobs }, q }, p: Params<{ hash: string; limit: number }>) =>
  q.select().from(blobs).where(gt(blobs.hash, p.hash)).orderBy(asc(blobs.hash)).limit(p.limit),
);

/** Which of these keys bytes of files have. */
export const keysInUse = hot(({ t: { blobs }, q, dialect }, p: Params<{ keys: string }>) =>
  q.select({ key: blobs.key }).from(blobs).where(dialect.isAmong(blobs.key, p.keys)),
);

/** How many bytes are kept. */
export const bytesKept = hot(({ t: { blobs }, q }, _: Params<object>) =>
  q.select({ bytes: sql<number>`coalesce(sum(${blobs.size}), 0)`.mapWith(Number) }).from(blobs),
);

/** How many bytes the files have that somebody uploaded, deleted ones included. */
export const bytesOf = hot(({ t: { files }, q }, p: Params<{ uploaded_by: string }>) =>
  q
    .select({ bytes: sql<number>`coalesce(sum(${files.file_size}), 0)`.mapWith(Number) })
    .from(files)
    .where(eq(files.uploaded_by, p.uploaded_by)),
);
