import { DbError } from "../../db/errors";
import { findIn, type Finding } from "../../db/search-find";
import type { PreviewSize } from "../../contents/contents";
import type { Session, Store } from "../../db/store";
import { write } from "../../db/write";
import { Conflict, Forbidden, Invalid, Refusal, type FieldError } from "../../errors";
import type { Download } from "../../http/download";
import type { StoredBlob } from "../../integrations/blobs/blobs";
import type { Filter } from "../../list";
import { scopeOf, type Actor } from "../../policy";
import type { RecordPolicy } from "../../record-kind";
import { UndoableRecordService } from "../../undoable-records";
import { tidy } from "../../text";
import type { Contents } from "../folders/service";
import type { BlobKeeper } from "./blob-keeper";
import type { FileContents } from "./contents";
import { textsOf } from "./contents-store";
import { filesInFolders } from "./in-folders";
import { fileKind } from "./kind";
import type { Quota } from "./quota";
import {
  presentContents,
  type FileDetails,
  type FileMetadata,
  type FilePatch,
  type FileView,
  type StorageUsage,
} from "./schema";
import { searchedOfFile } from "./search";
import { countByType, sumOf, type FileCounts } from "./stats";
import { fileById, filesOf, ownersOfFiles, removeFile, type FileOwners, type FileRow } from "./store";

/** Bytes that came, and what is known of them. */
export interface NewFile extends FileDetails {
  name: string;
  file_type: string;
  stored: StoredBlob;
}

/** What its bytes are, and what they are called. */
type FileContent = Pick<FileView, "name" | "file_type" | "file_size" | "checksum">;

/** A record that a file may be attached to. */
interface Owned {
  created_by: string;
  assigned_to: string | null;
}

/** What files ask of clients and tasks: the live one with this id, if the actor may see it. */
export type Seen = (session: Session, actor: Actor, id: string) => Promise<Owned | undefined>;

/** What files need of others. */
export interface FileOptions {
  store: Store;
  policy: RecordPolicy<FileRow>;
  keeper: BlobKeeper;
  quota: Quota;
  contents: FileContents;
  client: Seen;
  task: Seen;
  /** Whether there is a live folder with this id that the actor may see. */
  hasFolder(session: Session, actor: Actor, id: string): Promise<boolean>;
}

/** What may happen to a file, and what happens with it. */
export class FileService extends UndoableRecordService<FileRow, FileView, NewFile, FilePatch> {
  /** Files as what lies in folders. */
  readonly contents: Contents;

  constructor(private readonly options: FileOptions) {
    super(options.store, options.policy, fileKind);
    this.contents = filesInFolders(options.policy);
  }

  /**
   * Adds a file, whose bytes were put before: when it is refused, they go again.
   * @throws Invalid for a folder, client or task that is not there or not seen, Refusal when there is no room left
   */
  async upload(actor: Actor, input: NewFile): Promise<FileView> {
    const { keeper } = this.options;
    try {
      const view = await this.#create(actor, input);
      await keeper.settle(input.stored);
      return view;
    } catch (error) {
      // After any other error nobody knows whether it committed: then the sweep does it.
      if (error instanceof Refusal) await keeper.discard(input.stored.key);
      throw error;
    }
  }

  /**
   * What there is to download of a file.
   * @throws NotFound, Gone as `get` does
   */
  async download(actor: Actor, id: string): Promise<Download> {
    return this.bytesOf(await this.get(actor, id));
  }

  /** What there is to download of a file, for whoever knows that it may be. */
  bytesOf({ name, file_type, file_size, checksum }: FileContent): Download {
    return {
      ...{ name, type: file_type, size: file_size, etag: `"${checksum}"` },
      read: (part) => this.options.keeper.read(checksum, part),
    };
  }

  /** Searches the files the actor may see, by their names, descriptions and the text in them. */
  override async search(actor: Actor, search: Filter, options: Pick<Finding<FileRow>, "limit" | "facets">) {
    const findings = await findIn(this.store, {
      ...{ resource: this.kind.resource, search, scope: this.policy.readable(actor) },
      ...options,
    });
    const hashes = JSON.stringify(findings.best.map(({ item }) => item.checksum));
    const texts = await textsOf.all(this.store.read, { hashes });
    const textOf = new Map(texts.map(({ hash, text }) => [hash, text]));
    const searched = (item: { id: string }) =>
      searchedOfFile(item as FileRow, textOf.get((item as FileRow).checksum) ?? null);
    return { ...findings, searched };
  }

  /** What stands in a file, as far as that is known. @throws NotFound, Gone as `get` does */
  async metadata(actor: Actor, id: string): Promise<FileMetadata> {
    const session = this.store.read;
    const file = await this.visible(session, actor, id);
    return presentContents(file, await this.options.contents.known(session, file.checksum, file.file_type));
  }

  /**
   * Has a file read again: what stands in it, and its previews.
   * @throws NotFound, Gone as `get` does, Forbidden when the actor may not change it
   */
  readAgain(actor: Actor, id: string): Promise<FileMetadata> {
    const { contents } = this.options;
    return write(this.store, actor, async (session) => {
      const file = await this.visible(session, actor, id);
      if (!this.policy.mayChange(actor, file))
        throw new Forbidden("You may see this file, but not change it.");
      await contents.again(session, file.checksum, file.file_type);
      return presentContents(file, await contents.known(session, file.checksum, file.file_type));
    });
  }

  /**
   * The picture of an image in a size; `pending` as long as it is not made.
   * @throws NotFound, Gone as `get` does, Refusal `preview_unavailable` when there will be none
   */
  async preview(actor: Actor, id: string, size: PreviewSize): Promise<Download | "pending"> {
    const session = this.store.read;
    const file = await this.visible(session, actor, id);
    const picture = await this.options.contents.picture(session, file, size);
    if (picture === "unavailable") throw noPreview();
    return picture === "pending" ? picture : { ...picture, isShown: true };
  }

  /**
   * A live file that the actor may give to people outside: whoever may change it may. Within a transaction, or before one.
   * @throws NotFound, Gone as `get` does, Forbidden for somebody who only sees it
   */
  async shareable(session: Session, actor: Actor, id: string): Promise<FileRow> {
    const row = await this.visible(session, actor, id);
    if (!this.policy.mayChange(actor, row)) throw new Forbidden("You may see this file, but not share it.");
    return row;
  }

  /** The same, if there is one: what a link leads to whose maker is the actor. */
  async sharedBy(session: Session, actor: Actor, id: string): Promise<FileRow | undefined> {
    const row = await this.seen(session, actor, id);
    return row && this.policy.mayChange(actor, row) ? row : undefined;
  }

  /** How much room files take: those the actor may see, theirs, and all of them for whoever sees all. */
  async usage(actor: Actor): Promise<StorageUsage> {
    const { quota } = this.options;
    const by_type = await countByType(this.store, this.policy.readable(actor));
    const used = await quota.used(this.store.read, actor);
    return {
      ...sumOf(by_type),
      by_type,
      yours: used.user,
      kept: scopeOf(actor, "files.read") === "all" ? used.all : null,
    };
  }

  /** How many files the actor may see, and how many bytes they have. */
  async counts(actor: Actor): Promise<FileCounts> {
    return sumOf(await countByType(this.store, this.policy.readable(actor)));
  }

  /** Those of some records (a JSON array of ids) to which any file, live or deleted, belongs. */
  async ownersAmong(session: Session, owner: "client_id" | "task_id", ids: string): Promise<Set<string>> {
    return new Set((await ownersOfFiles[owner].all(session, { ids })).map(({ id }) => id!));
  }

  /**
   * Takes some files, live or deleted, from what is about to be removed for good, within a transaction.
   * @returns how many they were: fewer than `most` when there are no more
   */
  async leave(
    session: Session,
    actor: Actor,
    from: keyof typeof filesOf,
    id: string,
    most: number,
  ): Promise<number> {
    const found = await filesOf[from].all(session, { value: id, most });
    for (const { id: fileId } of found) {
      const row = await fileById.first(session, { id: fileId });
      await this.update(session, actor, "updated", row!, { [from]: null });
    }
    return found.length;
  }

  /** Removes the row of a deleted file for good, within a transaction, and lets go of its bytes. */
  async remove(session: Session, id: string): Promise<void> {
    const removed = await removeFile.first(session, { id });
    if (removed) await this.options.keeper.release(session, removed.checksum);
  }

  /** Changes a file within a transaction. @throws Conflict `folder_deleted` when it is to come back where nothing is */
  override async update(
    ...given: Parameters<UndoableRecordService<FileRow, FileView, NewFile, FilePatch>["update"]>
  ) {
    const [session, actor, action, before] = given;
    const { folder_id, deleted_at } = before;
    if (action === "restored" && deleted_at !== null && folder_id !== null) {
      if (!(await this.options.hasFolder(session, actor, folder_id))) throw folderDeleted(folder_id);
    }
    return super.update(...given);
  }

  protected async begin(session: Session, actor: Actor, input: NewFile, at: number) {
    const { stored, name, file_type, ...details } = input;
    const { folder_id = null, client_id = null, task_id = null, description = null } = places(details);
    const owners = await this.#owners(session, actor, { folder_id, client_id, task_id });
    const room = await this.options.quota.roomFor(session, actor);
    if (stored.size > room.bytes) throw room.refusal();
    await this.options.keeper.link(session, stored, at);
    await this.options.contents.want(session, stored.hash, file_type);
    return {
      ...{ name, original_name: name, file_type, file_size: stored.size, checksum: stored.hash },
      ...{ folder_id, client_id, task_id, description, uploaded_by: actor.userId!, metadata: {} },
      ...noOwners,
      ...owners,
    };
  }

  protected async revise(session: Session, actor: Actor, before: FileRow, patch: FilePatch) {
    const change = places(patch);
    const moved = Object.fromEntries(
      placeNames
        .filter((name) => change[name] !== undefined && change[name] !== before[name])
        .map((name) => [name, change[name]]),
    );
    return { ...change, ...(await this.#owners(session, actor, moved)) };
  }

  async #create(actor: Actor, input: NewFile): Promise<FileView> {
    try {
      return await this.create(actor, input);
    } catch (error) {
      // On PostgreSQL, somebody who uploads the same bytes at the same moment may be first: then they are there.
      const isTwin = error instanceof DbError && error.kind === "unique" && error.field === "blobs.hash";
      if (!isTwin) throw error;
      return this.create(actor, input);
    }
  }

  /** Whose the records are that a file is put to. @throws Invalid for those that are not there or not seen */
  async #owners(session: Session, actor: Actor, to: Places): Promise<Partial<FileOwners>> {
    const { client, task, hasFolder } = this.options;
    const errors: FieldError[] = [];
    const owners: Partial<FileOwners> = {};
    if (to.folder_id != null && !(await hasFolder(session, actor, to.folder_id)))
      errors.push(unknown("folder_id", "folder"));
    for (const [kind, seen] of [["client", client] as const, ["task", task] as const]) {
      const id = to[`${kind}_id`];
      if (id === undefined) continue;
      const record = id === null ? undefined : await seen(session, actor, id);
      if (id !== null && !record) errors.push(unknown(`${kind}_id`, kind));
      owners[`${kind}_created_by`] = record?.created_by ?? null;
      owners[`${kind}_assigned_to`] = record?.assigned_to ?? null;
    }
    if (errors.length > 0) throw new Invalid(errors);
    return owners;
  }
}

const placeNames = ["folder_id", "client_id", "task_id"] as const;

/** Where a file is put; `undefined` is where it is already. */
type Places = Partial<Record<(typeof placeNames)[number], string | null>>;

const places = <Given extends FilePatch>(given: Given) =>
  tidy<FilePatch & Given>(given, { keep: ["description"], ids: [...placeNames] });

const noOwners: FileOwners = {
  ...{ client_created_by: null, client_assigned_to: null },
  ...{ task_created_by: null, task_assigned_to: null },
};

const unknown = (field: string, what: string): FieldError => ({
  ...{ field, code: `unknown_${what}` },
  message: `is not a ${what} that you may see`,
});

const noPreview = () =>
  new Refusal(
    "not_found",
    "preview_unavailable",
    "There is no picture of this file, and there will be none.",
  );

const folderDeleted = (folder_id: string) =>
  new Conflict(
    "folder_deleted",
    "The folder that it was in is deleted: restore that, and it comes back with it.",
    {
      folder_id,
    },
  );
