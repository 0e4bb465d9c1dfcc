/** Reads the contents of files off the event loop. Its own entry point: see `scripts/build.ts`. */
import { Unreadable, type ReadTask } from "./contents";
import { readContents } from "./read";
import type { ContentReply } from "./reader";

declare const self: Worker;

self.onmessage = async ({ data }: MessageEvent<ReadTask>) => {
  const reply = await answer(data);
  const pictures = "contents" in reply ? reply.contents.previews.map(({ bytes }) => bytes.buffer) : [];
  self.postMessage(reply, pictures);
};

async function answer(task: ReadTask): Promise<ContentReply> {
  try {
    return { contents: await readContents(task) };
  } catch (error) {
    const { message } = error as Error;
    return error instanceof Unreadable ? { unreadable: message } : { error: message };
  }
}
