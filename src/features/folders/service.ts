import { now } from "../../clock";
import { revived } from "../../db/rebuild";
import type { Session, Store } from "../../db/store";
import { Conflict, Forbidden, Invalid } from "../../errors";
import { hideManyIn } from "../../hide-many";
import type { Actor } from "../../policy";
import type { RecordKind, RecordPolicy } from "../../record-kind";
import { RecordService } from "../../records";
import { fold, tidy } from "../../text";
import { folderFields } from "./fields";
import {
  presentFolder,
  type FolderInput,
  type FolderPatch,
  type FolderTree,
  type FolderView,
} from "./schema";
import {
  folderById,
  foldersById,
  folderColumns,
  folderNamed,
  foldersIn,
  insertFolder,
  normalName,
  rebuildFolder,
  updateFolder,
  wholeFolder,
  type FolderRow,
} from "./store";
import { deepest, deletedBelow, heightBelow, liveBelow, upwards, type Descendant } from "./tree";

const folderKind: RecordKind<FolderRow, FolderView> = {
  name: "folder",
  resource: { fields: folderFields, columns: folderColumns },
  unique: [
    {
      field: "name",
      column: "folders.parent_id_key, folders.name_normal",
      holder: (session, { parent_id, name }) =>
        folderNamed.first(session, { parent_id_key: parent_id ?? "", name_normal: normalName(name) }),
    },
  ],
  find: (session, id) => folderById.first(session, { id }),
  findMany: (session, ids) => foldersById.all(session, { ids }),
  insert: async (session, row) => void (await insertFolder.all(session, wholeFolder(row))),
  update: (session, before, after) => updateFolder(session, before, wholeFolder(after)),
  present: presentFolder,
  rebuild: (session, told, pass) => rebuildFolder(session, wholeFolder(revived("folders", told)), pass),
};

const hideFolders = hideManyIn<FolderRow>("folders", folderKind);

/** What lies in folders besides folders: it is deleted with them, and comes back with them. */
export interface Contents {
  /**
   * Hides the live ones in these folders, within a transaction. Gives how many they were, at most one more than `most`:
   * then nothing was done.
   * @throws Forbidden when the actor may not delete all of them
   */
  hide(session: Session, actor: Actor, folders: readonly string[], at: number, most: number): Promise<number>;
  /** Brings those back that were deleted at one instant. @throws Forbidden likewise */
  show(
    session: Session,
    actor: Actor,
    folders: readonly string[],
    deletedAt: number,
    at: number,
  ): Promise<number>;
}

/** Folders and files that go with one request. */
export const mostAtOnce = 10_000;
/** Folders that one tree is told with. */
const mostInTree = 10_000;

/** What may happen to a folder, and what happens with it and with what lies in it. */
export class FolderService extends RecordService<FolderRow, FolderView, FolderInput, FolderPatch> {
  /** @param contents the files: asked for when they are needed, as they need folders too */
  constructor(
    store: Store,
    policy: RecordPolicy<FolderRow>,
    private readonly contents: () => Contents,
  ) {
    super(store, policy, folderKind);
  }

  /** A folder, the way to it, and the folders in it to so many levels. @throws NotFound, Gone as `get` does */
  async tree(actor: Actor, id: string, levels = deepest): Promise<FolderTree> {
    const folder = await this.get(actor, id);
    const [, ...above] = await upwards.all(this.store.read, { id });
    // Many thousands may take longer than the event loop has time for.
    const session = this.store.aside(`${actor.kind} ${actor.userId}`);
    const found = await liveBelow.all(session, { id, levels, most: mostInTree + 1 });
    const truncated = found.length > mostInTree;
    const seen = found.slice(0, mostInTree).filter((row) => this.policy.mayRead(actor, row));
    const keys = new Map(seen.map(({ id, name }) => [id, fold(name)]));
    const inTree = (a: Descendant, b: Descendant) =>
      a.depth - b.depth || (keys.get(a.id)! < keys.get(b.id)! ? -1 : 1);
    return {
      folder,
      path: above.toReversed().map(({ id, name }) => ({ id, name })),
      folders: seen.toSorted(inTree).map((row) => ({ ...presentFolder(row), depth: row.depth })),
      truncated,
    };
  }

  /**
   * Takes some folders from one that is about to be removed for good, within a transaction.
   * @returns how many they were: fewer than `most` when there are no more
   */
  async leaveParent(session: Session, actor: Actor, parent_id: string, most: number): Promise<number> {
    const rows = await foldersIn.all(session, { parent_id, most });
    for (const row of rows) await this.update(session, actor, "updated", row, { parent_id: null });
    return rows.length;
  }

  /** Changes a folder within a transaction. What lies in it is deleted with it, and what was comes back with it. */
  override async update(
    ...given: Parameters<RecordService<FolderRow, FolderView, FolderInput, FolderPatch>["update"]>
  ) {
    const [session, actor, action, before, change, at = now()] = given;
    if (action === "deleted") await this.#hideContents(session, actor, before, change.deleted_at!);
    if (action !== "restored" || before.deleted_at === null) return super.update(...given);
    await this.#assertParent(session, actor, before.parent_id);
    const view = await super.update(session, actor, action, before, change, at);
    await this.#showContents(session, actor, before, before.deleted_at, at);
    return view;
  }

  protected async begin(session: Session, actor: Actor, input: FolderInput) {
    const { name, parent_id = null } = tidy(input, { ids: ["parent_id"] });
    const depth = await this.#depthOf(session, actor, parent_id);
    if (depth >= deepest) throw tooDeep();
    return { name, parent_id, created_by: actor.userId! };
  }

  protected async revise(session: Session, actor: Actor, before: FolderRow, patch: FolderPatch) {
    const change = tidy(patch, { ids: ["parent_id"] });
    if (change.parent_id !== undefined && change.parent_id !== before.parent_id)
      await this.#assertMove(session, actor, before, change.parent_id);
    return change;
  }

  /** @throws Conflict when a folder would lie in itself, or too deep */
  async #assertMove(session: Session, actor: Actor, { id }: FolderRow, to: string | null): Promise<void> {
    if (to === null) return;
    const depth = await this.#depthOf(session, actor, to);
    const way = await upwards.all(session, { id: to });
    if (way.some((above) => above.id === id)) throw inItself();
    const below = await heightBelow.first(session, { id });
    if (depth + 1 + below!.height > deepest) throw tooDeep();
  }

  /** How deep a folder lies; 0 for the top. @throws Invalid when it is not there */
  async #depthOf(session: Session, actor: Actor, parent_id: string | null): Promise<number> {
    if (parent_id === null) return 0;
    if (!(await this.sees(session, actor, parent_id))) throw unknownParent();
    return (await upwards.all(session, { id: parent_id })).length;
  }

  async #assertParent(session: Session, actor: Actor, parent_id: string | null): Promise<void> {
    if (parent_id === null || (await this.sees(session, actor, parent_id))) return;
    const detail = "The folder that it was in is deleted: restore that first.";
    throw new Conflict("folder_deleted", detail, { folder_id: parent_id });
  }

  async #hideContents(session: Session, actor: Actor, folder: FolderRow, at: number): Promise<void> {
    const most = mostAtOnce + 1;
    const inside = await liveBelow.all(session, { id: folder.id, levels: deepest, most });
    this.#assertAll(actor, inside);
    const ids = [folder, ...inside].map(({ id }) => id);
    const files = await this.contents().hide(session, actor, ids, at, mostAtOnce - inside.length);
    if (inside.length + files > mostAtOnce) throw tooMany();
    await hideFolders(session, actor, inside.map(withoutDepth), at, at);
  }

  async #showContents(
    session: Session,
    actor: Actor,
    folder: FolderRow,
    deleted_at: number,
    at: number,
  ): Promise<void> {
    const most = mostAtOnce + 1;
    const inside = await deletedBelow.all(session, { id: folder.id, levels: deepest, most, deleted_at });
    this.#assertAll(actor, inside);
    await hideFolders(session, actor, inside.map(withoutDepth), null, at);
    const ids = [folder, ...inside].map(({ id }) => id);
    await this.contents().show(session, actor, ids, deleted_at, at);
  }

  /** @throws Conflict when they are too many, Forbidden when the actor may not delete all of them */
  #assertAll(actor: Actor, inside: readonly Descendant[]): void {
    if (inside.length > mostAtOnce) throw tooMany();
    if (inside.every((row) => this.policy.mayDelete(actor, row))) return;
    throw new Forbidden("There are folders in it that you may not delete.");
  }
}

const withoutDepth = ({ depth: _, ...row }: Descendant): FolderRow => row;

const unknownParent = () =>
  new Invalid([{ field: "parent_id", code: "unknown_folder", message: "is not a folder that you may see" }]);

const inItself = () => new Conflict("folder_in_itself", "A folder cannot be moved into itself.");

const tooDeep = () => new Conflict("too_deep", `Folders lie in each other at most ${deepest} deep.`);

const tooMany = () =>
  new Conflict(
    "too_many_in_folder",
    `There is more in it than goes at once, which is ${mostAtOnce}: delete some of the folders in it first.`,
    { most: mostAtOnce },
  );
