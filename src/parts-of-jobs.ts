import { day, hour } from "./clock";
import type { Config } from "./config";
import type { Store } from "./db/store";
import {
  importedClients,
  importedTasks,
  manyOf,
  purgedKinds,
  undoableKinds,
  type Services,
} from "./each-kind";
import type { BackupService } from "./features/backups/service";
import { BulkService } from "./features/bulk/service";
import { clientFields } from "./features/clients/fields";
import type { BlobKeeper } from "./features/files/blob-keeper";
import type { FileContents } from "./features/files/contents";
import { namingFor } from "./features/imports/naming";
import { ImportService } from "./features/imports/service";
import { tellFinished } from "./features/jobs/finished";
import { JobService } from "./features/jobs/service";
import { undoKind } from "./features/jobs/undo";
import type { LiveSettings } from "./features/settings/live";
import { taskFields } from "./features/tasks/fields";
import type { Blobs } from "./integrations/blobs/blobs";
import type { JobMeasures } from "./jobs/attempt";
import type { JobKind } from "./jobs/job";
import { pruneDaily } from "./jobs/pruning";
import { Scheduler } from "./jobs/scheduler";
import { Worker } from "./jobs/worker";
import { tracedKind } from "./ops/tracing/jobs";
import { tracing } from "./ops/tracing/tracing";
import { purge, type Retention } from "./retention/purge";

/** What jobs need of the other parts. */
interface JobNeeds {
  store: Store;
  live: LiveSettings;
  config: Config;
  services: Services;
  blobs: Blobs;
  keeper: BlobKeeper;
  contents: FileContents;
  backups: BackupService;
  mails: JobKind;
  measure: JobMeasures;
}

/** Builds what goes on after the answer: the kinds of jobs, what does them, and what is due again and again. */
export function openJobs({ store, live, config, services, ...needs }: JobNeeds) {
  const { blobs, keeper, contents, backups, mails, measure } = needs;
  const { clients, tasks } = services;
  const bulk = new BulkService(
    store,
    { clients: manyOf(clients, clientFields), tasks: manyOf(tasks, taskFields) },
    () => live.get("clients.default_country"),
  );
  const imports: ImportService = new ImportService({
    ...{ store, blobs },
    records: { clients: importedClients(clients), tasks: importedTasks(tasks) },
    mostBytes: () => live.get("files.max_size"),
    naming: (actor) => namingFor(store, clients, actor),
  });
  const undo = undoKind(store, undoableKinds(services));
  const kinds: JobKind[] = [mails, undo, ...bulk.kinds, ...backups.kinds, ...imports.kinds, contents.kind];
  const worker = new Worker({
    ...{ store, onEnd: tellFinished, measures: measure },
    // One process writes a SQLite file.
    isAlone: store.engine === "sqlite",
    kinds: tracing() ? kinds.map(tracedKind) : kinds,
  });
  const purgeNow = async (keep?: Partial<Retention>) => {
    const purged = await purge(store, purgedKinds(services), {
      records: live.get("retention.days"),
      signIns: config["retention.sign_in_days"],
      events: config["retention.event_days"],
      ...keep,
    });
    await keeper.sweep(strayAfterMs);
    return purged;
  };
  const scheduler = new Scheduler(store);
  pruneDaily(scheduler, store, config["api.idempotency_hours"] * hour);
  scheduler.every("purge", day, async () => void (await purgeNow()));
  backups.schedule(scheduler);
  scheduler.once("alarms of older tasks", () => tasks.makeAlarms());
  scheduler.once("contents of older files", () => contents.readOlder());
  const jobs = new JobService(store, kinds);
  return { kinds, jobs, bulk, imports, worker, scheduler, purge: purgeNow };
}

/** No upload takes so long: what has no row by then was left behind. */
const strayAfterMs = day;
