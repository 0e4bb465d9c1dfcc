/** What is done with records of every kind, and what each needs for it: a new kind gets its entries here. */
import type { Session } from "./db/store";
import type { BulkRecords } from "./features/bulk/service";
import { ClientInput, ClientPatch } from "./features/clients/schema";
import type { ClientService } from "./features/clients/service";
import type { FileService } from "./features/files/service";
import type { FolderService } from "./features/folders/service";
import type { ImportRecords } from "./features/imports/records";
import { TaskInput, TaskPatch } from "./features/tasks/schema";
import type { TaskService } from "./features/tasks/service";
import type { Purged } from "./retention/records";

/** The services of all kinds. */
export interface Services {
  clients: ClientService;
  tasks: TaskService;
  folders: FolderService;
  files: FileService;
}

/** What bulk changes need of records. */
export const manyOf = (service: ClientService | TaskService, fields: BulkRecords["fields"]): BulkRecords => ({
  fields,
  walk: (actor, request) => service.walk(actor, request),
  applyIn: (session, actor, item, change) => service.applyIn(session, actor, item, change),
});

/** What imports need of clients. */
export const importedClients = (clients: ClientService): ImportRecords => ({
  ...{ input: ClientInput, patch: ClientPatch, kept: ["status"], matches: clients.matches },
  createManyIn: (session, actor, inputs) => clients.createManyIn(session, actor, inputs),
  applyIn: (session, actor, item, change) => clients.applyIn(session, actor, item, change),
  seenAmong: (session, actor, ids) => clients.seenAmong(session, actor, ids),
  find: (session, id) => clients.current(session, id),
  recall: (session, rows) => clients.recall(session, rows as never),
});

/** What imports need of tasks. */
export const importedTasks = (tasks: TaskService): ImportRecords => ({
  ...{ input: TaskInput, patch: TaskPatch, kept: ["status", "priority"], matches: tasks.matches },
  createManyIn: (session, actor, inputs) => tasks.createManyIn(session, actor, inputs),
  applyIn: (session, actor, item, change) => tasks.applyIn(session, actor, item, change),
  seenAmong: (session, actor, ids) => tasks.seenAmong(session, actor, ids),
  find: (session, id) => tasks.current(session, id),
  recall: (session, rows) => tasks.recall(session, rows as never),
});

/** What a job can have changed. A record that others point to does not go: they would lose it without an event. */
export const undoableKinds = ({ clients, tasks, files }: Omit<Services, "folders">) => ({
  client: {
    undoIn: clients.undoIn,
    inUse: async (session: Session, ids: string) =>
      (await tasks.clientsAmong(session, ids)).union(await files.ownersAmong(session, "client_id", ids)),
  },
  task: {
    undoIn: tasks.undoIn,
    inUse: (session: Session, ids: string) => files.ownersAmong(session, "task_id", ids),
  },
});

/** What is removed for good: what belongs to others first; from the others, those that are left are taken before. */
export const purgedKinds = ({ clients, tasks, folders, files }: Services): Purged[] => [
  { ...files.rebuilt, remove: (session, id) => files.remove(session, id) },
  {
    ...folders.rebuilt,
    detach: async (session, actor, id, most) => {
      const left = await files.leave(session, actor, "folder_id", id, most);
      return left === most ? most : left + (await folders.leaveParent(session, actor, id, most - left));
    },
  },
  {
    ...tasks.rebuilt,
    detach: (session, actor, id, most) => files.leave(session, actor, "task_id", id, most),
  },
  {
    ...clients.rebuilt,
    detach: async (session, actor, id, most) => {
      const left = await tasks.leaveClient(session, actor, id, most);
      return left === most ? most : left + (await files.leave(session, actor, "client_id", id, most - left));
    },
  },
];
