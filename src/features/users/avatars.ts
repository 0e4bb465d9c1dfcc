import { now } from "../../clock";
import { readingOf, Unreadable, type Preview } from "../../contents/contents";
import type { ContentReader } from "../../contents/reader";
import type { Store } from "../../db/store";
import { write } from "../../db/write";
import { Invalid, NotFound, Refusal } from "../../errors";
import type { Download } from "../../http/download";
import { newId } from "../../ids";
import type { Actor } from "../../policy";
import type { BlobKeeper } from "../files/blob-keeper";
import { mediaTypeOf } from "../files/media-type";
import { existingUser, reviseUser } from "./accounts";
import { avatarById, insertAvatar } from "./avatar-store";
import { presentUser, type UserView } from "./schema";

/** More than any camera makes of a face. */
const mostBytes = 10 * 1024 * 1024;

/** Where pictures of people are, before their id. */
const path = "/api/avatars/";

/** What pictures of people need of others. */
export interface AvatarOptions {
  store: Store;
  keeper: BlobKeeper;
  reader: ContentReader;
  /** Called after the commit: what is known of the user is no longer true. */
  forget: (userId: string) => void;
}

/** Pictures of people: square, small, and at an address of their own, which everybody can read who was told it. */
export class Avatars {
  constructor(private readonly options: AvatarOptions) {}

  /** Gives somebody a picture, in place of the one of before, whose bytes the sweep removes. @throws Invalid when it cannot be read */
  async set(actor: Actor, bytes: Uint8Array<ArrayBuffer>): Promise<UserView> {
    const { store, keeper, forget } = this.options;
    const square = await this.#squareOf(bytes);
    const stored = await keeper.put(once(square.bytes));
    const [user_id, id, at] = [actor.userId!, newId(), now()];
    const row = { id, user_id, checksum: stored.hash, bytes: stored.size, created_at: at };
    try {
      const view = await write(store, actor, async (session) => {
        // The picture of before goes with its address.
        const before = await existingUser(session, user_id);
        const after = await reviseUser(session, actor, before, { avatar_url: path + id });
        await keeper.link(session, stored, at);
        await insertAvatar.all(session, row);
        return presentUser(after);
      });
      forget(user_id);
      await keeper.settle(stored);
      return view;
    } catch (error) {
      // After any other error nobody knows whether it committed: then the sweep does it.
      if (error instanceof Refusal) await keeper.discard(stored.key);
      throw error;
    }
  }

  /** A picture by the id in its address. @throws NotFound when it is none, or not any more */
  async read(id: string): Promise<Download> {
    const { store, keeper } = this.options;
    const found = await avatarById.first(store.read, { id });
    if (!found) throw new NotFound("picture");
    return {
      ...{ name: "avatar.webp", type: "image/webp", size: found.bytes, etag: `"${found.checksum}"` },
      ...{ isShown: "forever", read: (part) => keeper.read(found.checksum, part) },
    };
  }

  async #squareOf(bytes: Uint8Array<ArrayBuffer>): Promise<Preview> {
    const type = await mediaTypeOf(bytes);
    if (readingOf(type) !== "image") throw unfit("It has to be a JPEG, PNG, WebP, GIF or BMP image.");
    try {
      const { previews } = await this.options.reader.read({ type, bytes, isSquare: true });
      return previews[0]!;
    } catch (error) {
      throw error instanceof Unreadable ? unfit(error.message) : error;
    }
  }
}

const unfit = (message: string) => new Invalid([{ field: "file", code: "unreadable_image", message }]);

/** All of a picture as it comes in. @throws Refusal when it is too large */
export async function gathered(bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.byteLength;
    if (size > mostBytes)
      throw new Refusal("too_large", "file_too_large", `A picture may have at most ${mostBytes} bytes.`, {
        members: { most: mostBytes },
      });
    chunks.push(Uint8Array.from(chunk));
  }
  return new Uint8Array(Buffer.concat(chunks));
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
