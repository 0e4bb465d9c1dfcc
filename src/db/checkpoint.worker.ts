/** Brings SQLite's log into its file off the event loop. Its own entry point: see `scripts/build.ts`. */
import { Database } from "bun:sqlite";
import type { CheckpointRequest } from "./checkpoints";

declare const self: Worker;

let db: Database;

self.onmessage = ({ data }: MessageEvent<CheckpointRequest>) => {
  if (typeof data === "object") {
    db = new Database(data.open, { readwrite: true });
    return;
  }
  if (data === "close") db.close();
  // What readers still need of the log stays there for the next time. It waits for nobody.
  else db.run("PRAGMA wal_checkpoint(PASSIVE)");
  self.postMessage("done");
};
