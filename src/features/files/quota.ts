import type { Session } from "../../db/store";
import { Refusal } from "../../errors";
import type { Actor } from "../../policy";
import { UnderWay } from "../../under-way";
import { Arrival } from "./arrival";
import { bytesKept, bytesOf } from "./blob-store";

/** How much room there is, in bytes; 0 for no limit, but for one file. */
export interface Limits {
  /** One file. */
  file: number;
  /** All files of one user, deleted ones included. */
  user: number;
  /** All that are kept, the same bytes once. */
  all: number;
}

/** How many bytes the next file may have, and what to say to more. */
export interface Room {
  bytes: number;
  refusal(): Refusal;
}

/** How many bytes there are, and how many there may be; `null` for no limit. */
export interface Used {
  bytes: number;
  quota: number | null;
}

/** What each of the limits leaves. */
export interface Rooms {
  file: Room;
  ofUser: Room;
  ofAll: Room;
}

const usedOf = (bytes: number, most: number): Used => ({ bytes, quota: most > 0 ? most : null });

/** How much may be uploaded. */
export class Quota {
  readonly #incoming = new UnderWay();

  constructor(private readonly limits: () => Limits) {}

  /** The room for the next file of an actor, as the tables are now. */
  async roomFor(session: Session, actor: Actor): Promise<Room> {
    const { file, ofUser, ofAll } = await this.#rooms(session, actor);
    return [ofUser, ofAll].reduce((least, room) => (room.bytes < least.bytes ? room : least), file);
  }

  /** A file of an actor on its way in: there is room for it beside what else comes in here at the same time. */
  async arrival(session: Session, actor: Actor): Promise<Arrival> {
    return new Arrival(this.#incoming, actor.userId!, await this.#rooms(session, actor));
  }

  async #rooms(session: Session, actor: Actor): Promise<Rooms> {
    const { file, user, all } = this.limits();
    const [mine, kept] = [
      user > 0 ? (await bytesOf.first(session, { uploaded_by: actor.userId! }))!.bytes : -Infinity,
      all > 0 ? (await bytesKept.first(session, {}))!.bytes : -Infinity,
    ];
    return {
      file: { bytes: file, refusal: () => fileTooLarge(file) },
      ofUser: { bytes: user - mine, refusal: () => noRoom("Your files take", user) },
      ofAll: { bytes: all - kept, refusal: () => noRoom("All files together take", all) },
    };
  }

  /** How much is used by the actor's files and by all that are kept, and how much may be. */
  async used(session: Session, actor: Actor): Promise<{ user: Used; all: Used }> {
    const { user, all } = this.limits();
    const [mine, kept] = await Promise.all([
      bytesOf.first(session, { uploaded_by: actor.userId! }),
      bytesKept.first(session, {}),
    ]);
    return { user: usedOf(mine!.bytes, user), all: usedOf(kept!.bytes, all) };
  }
}

const fileTooLarge = (most: number) =>
  new Refusal("too_large", "file_too_large", `A file may have at most ${most} bytes.`, { members: { most } });

const noRoom = (what: string, most: number) =>
  new Refusal("no_space", "quota_exceeded", `${what} as much room as they may: ${most} bytes.`, {
    members: { most },
  });
