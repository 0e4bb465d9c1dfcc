/** Copies and checks SQLite databases off the event loop. Its own entry point: see `scripts/build.ts`. */
import { copyDatabase, inspectDatabase, type CopyReply, type CopyRequest } from "./sqlite-work";

declare const self: Worker;

self.onmessage = async ({ data }: MessageEvent<CopyRequest>) => {
  let reply: CopyReply;
  try {
    const done = "from" in data ? await copyDatabase(data.from, data.to) : inspectDatabase(data.file);
    reply = { done };
  } catch (error) {
    const { message, code } = error as { message: string; code?: string };
    reply = { error: { message, code } };
  }
  self.postMessage(reply);
};
