/** Runs long reads off the event loop. Its own entry point: see `scripts/build.ts`. */
import { Database } from "bun:sqlite";
import { serveReads, type ReadRequest } from "./serve-reads";

declare const self: Worker;

let answer: ReturnType<typeof serveReads> | undefined;

self.onmessage = ({ data }: MessageEvent<{ open: string } | ReadRequest>) => {
  if ("open" in data) {
    const db = new Database(data.open, { readonly: true });
    db.run("PRAGMA busy_timeout = 1000");
    db.run("PRAGMA cache_size = -16384"); // KiB: a search looks at some hundred pages of an index, most of them each time.
    answer = serveReads(db);
  } else {
    self.postMessage(answer!(data));
  }
};
