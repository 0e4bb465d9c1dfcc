/** Copies and checks SQLite databases off the event loop. Its own entry point: see `scripts/build.ts`. */
import type { OnProgress } from "./progress";
import {
  copyDatabase,
  inspectDatabase,
  type CopyNews,
  type CopyReply,
  type CopyRequest,
} from "./sqlite-work";

declare const self: Worker;

const tell: OnProgress = (progress) => self.postMessage({ progress } satisfies CopyNews);

self.onmessage = async ({ data }: MessageEvent<CopyRequest>) => {
  let reply: CopyReply;
  try {
    const done = "from" in data ? await copyDatabase(data, tell) : inspectDatabase(data.file);
    reply = { done };
  } catch (error) {
    const { message, code } = error as { message: string; code?: string };
    reply = { error: { message, code } };
  }
  self.postMessage(reply);
};
