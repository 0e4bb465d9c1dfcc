import { second } from "./clock";
import { ContentReader } from "./contents/reader";
import type { Store } from "./db/store";
import type { ClientService } from "./features/clients/service";
import { BlobKeeper } from "./features/files/blob-keeper";
import { FileContents } from "./features/files/contents";
import { FilePolicy, type FollowedPolicies } from "./features/files/policy";
import { Quota } from "./features/files/quota";
import { FileService } from "./features/files/service";
import { Uploads, type UploadOptions } from "./features/files/uploads";
import { FolderPolicy } from "./features/folders/policy";
import { FolderService } from "./features/folders/service";
import type { LiveSettings } from "./features/settings/live";
import type { TaskService } from "./features/tasks/service";
import { Avatars } from "./features/users/avatars";
import { openBlobs } from "./integrations/blobs/open";

/** What files need of the other parts. */
interface FileNeeds {
  store: Store;
  live: LiveSettings;
  dataDir: string;
  /** What files are attached to, and who sees that. */
  clients: ClientService;
  tasks: TaskService;
  followed: FollowedPolicies;
  /** The keys of bytes that are no file's as yet. */
  importing: () => Promise<string[]>;
  forget: (userId: string) => void;
  measure: UploadOptions["measure"];
}

/** Builds what keeps bytes, and what shows and sorts them: files, folders and the pictures of people. */
export function openFiles({ store, live, dataDir, clients, tasks, followed, ...needs }: FileNeeds) {
  const { importing, forget, measure } = needs;
  const blobs = live.opened(["s3.access_key_id", "s3.secret_access_key"], () =>
    openBlobs(live.all(), dataDir),
  );
  const keeper = new BlobKeeper(store, blobs, importing);
  const quota = new Quota(() => ({
    file: live.get("files.max_size"),
    user: live.get("files.user_quota"),
    all: live.get("files.quota"),
  }));
  const filePolicy = new FilePolicy(followed);
  const folderPolicy = new FolderPolicy();
  const folders: FolderService = new FolderService(store, folderPolicy, () => files.contents);
  const contentReader = new ContentReader();
  // Somebody waits for it, so it does not wait for the files of others.
  const avatarReader = new ContentReader(10 * second);
  const contents = new FileContents(store, keeper, contentReader);
  const files = new FileService({
    ...{ store, policy: filePolicy, keeper, quota, contents, hasFolder: folders.sees },
    client: (session, actor, id) => clients.seen(session, actor, id),
    task: (session, actor, id) => tasks.seen(session, actor, id),
  });
  const uploads = new Uploads({
    ...{ store, files, keeper, quota, measure },
    refusedTypes: () => live.get("files.refused_types"),
  });
  const avatars = new Avatars({ store, keeper, reader: avatarReader, forget });
  return {
    ...{ blobs, keeper, contents, folders, files, uploads, avatars, folderPolicy, filePolicy },
    close() {
      contentReader.close();
      avatarReader.close();
    },
  };
}
