import { setImmediate } from "node:timers/promises";
import type { Session } from "../../db/store";
import { Forbidden } from "../../errors";
import { hideManyIn } from "../../hide-many";
import type { Actor } from "../../policy";
import type { RecordPolicy } from "../../record-kind";
import type { Contents } from "../folders/service";
import { fileKind } from "./kind";
import { countInFolders, deletedInFolders, liveInFolders, type FileRow } from "./store";

const hideFiles = hideManyIn<FileRow>("files", fileKind);

/** So many of thousands are read and hidden at a time. */
const portion = 500;

/** Files as what lies in folders: deleted with them, and brought back with them. */
export function filesInFolders(policy: RecordPolicy<FileRow>): Contents {
  /** Hides files, or brings them back, until `find` gives no more: what is done, it does not find again. */
  async function hideAll(
    session: Session,
    actor: Actor,
    deleted_at: number | null,
    at: number,
    find: (most: number) => Promise<FileRow[]>,
  ): Promise<number> {
    for (let hidden = 0; ;) {
      const rows = await find(portion);
      if (!rows.every((row) => policy.mayDelete(actor, row))) throw notAll();
      await hideFiles(session, actor, rows, deleted_at, at);
      hidden += rows.length;
      if (rows.length < portion) return hidden;
      // Whoever reads has their turn.
      await setImmediate();
    }
  }

  return {
    async hide(session, actor, folders, at, most) {
      const among = { folders: JSON.stringify(folders) };
      const inside = await countInFolders.first(session, { ...among, most: most + 1 });
      if (inside!.total > most) return inside!.total;
      return hideAll(session, actor, at, at, (next) => liveInFolders.all(session, { ...among, most: next }));
    },
    show(session, actor, folders, deleted_at, at) {
      const among = { folders: JSON.stringify(folders), deleted_at };
      return hideAll(session, actor, null, at, (next) =>
        deletedInFolders.all(session, { ...among, most: next }),
      );
    },
  };
}

const notAll = () => new Forbidden("There are files in it that you may not delete.");
