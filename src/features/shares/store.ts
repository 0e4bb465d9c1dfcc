import { and, eq, gt, isNull, or, sql } from "drizzle-orm";
import { hot, value, type Params } from "../../db/hot";
import type { ListScope, Resource } from "../../db/list";
import { insertInto, recordColumns, type RowOf } from "../../db/rows";
import { shareFields } from "./fields";

/** A link to a file as it is stored: without what opens it. */
export type ShareRow = RowOf<"file_shares">;

/** Adds a link. */
export const insertShare = insertInto("file_shares");

/** A link by the hash of its token, good or not. */
export const shareByHash = hot(({ t: { file_shares }, q }, p: Params<{ hash: string }>) =>
  q.select().from(file_shares).where(eq(file_shares.hash, p.hash)).limit(1),
);

/** A link of a file, good or not. */
export const shareOf = hot(({ t: { file_shares }, q }, p: Params<{ id: string; file_id: string }>) =>
  q
    .select()
    .from(file_shares)
    .where(and(eq(file_shares.id, p.id), eq(file_shares.file_id, p.file_id)))
    .limit(1),
);

/** The ids of a file's links that nobody revoked and that have not expired at `now`, at most so many. */
export const openSharesOf = hot(
  ({ t: { file_shares }, q }, p: Params<{ file_id: string; now: number; most: number }>) =>
    q
      .select({ id: file_shares.id })
      .from(file_shares)
      .where(
        and(
          eq(file_shares.file_id, p.file_id),
          isNull(file_shares.revoked_at),
          or(isNull(file_shares.expires_at), gt(file_shares.expires_at, p.now)),
        ),
      )
      .limit(p.most),
);

/** Counts one download; gives nothing when there is none left. Of two that ask for the last one, one gets it. */
export const countDownload = hot(({ t: { file_shares }, q }, p: Params<{ id: string }>) =>
  q
    .update(file_shares)
    .set({ downloads: sql`${file_shares.downloads} + 1` })
    .where(
      and(
        eq(file_shares.id, p.id),
        isNull(file_shares.revoked_at),
        or(isNull(file_shares.max_downloads), sql`${file_shares.downloads} < ${file_shares.max_downloads}`),
      ),
    )
    .returning({ downloads: file_shares.downloads }),
);

/** Ends a link; gives nothing when it was ended already. */
export const revokeShare = hot(({ t: { file_shares }, q }, p: Params<{ id: string; revoked_at: number }>) =>
  q
    .update(file_shares)
    .set({ revoked_at: value(file_shares.revoked_at, p.revoked_at) })
    .where(and(eq(file_shares.id, p.id), isNull(file_shares.revoked_at)))
    .returning({ id: file_shares.id }),
);

/** Links, as a list has them. */
export const listedShares: Resource<ShareRow> = {
  fields: shareFields,
  columns: recordColumns("file_shares"),
};

/** The links of a file, for a list. */
export const sharesOfFile = (fileId: string, caller: string): ListScope => ({
  shape: "of a file",
  where: ({ t: { file_shares } }, p) => eq(file_shares.file_id, p.file_id!),
  args: { file_id: fileId },
  caller,
});
