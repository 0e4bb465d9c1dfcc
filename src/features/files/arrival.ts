import type { UnderWay } from "../../under-way";
import type { Rooms } from "./quota";

/**
 * One file on its way in. Many at once are refused for what they take together: each by itself would have all of the room, and
 * the disk would be full before the first of them is counted.
 */
export class Arrival {
  #size = 0;

  /** @param incoming bytes that came in here and that no row counts yet */
  constructor(
    private readonly incoming: UnderWay,
    private readonly userId: string,
    private readonly rooms: Rooms,
  ) {}

  /** Some more of it came. @throws Refusal when that is more than there is room for */
  take(bytes: number): void {
    this.#size += bytes;
    this.incoming.add(this.userId, bytes);
    const { file, ofUser, ofAll } = this.rooms;
    if (this.#size > file.bytes) throw file.refusal();
    if (this.incoming.of(this.userId) > ofUser.bytes) throw ofUser.refusal();
    if (this.incoming.all > ofAll.bytes) throw ofAll.refusal();
  }

  /** From here on a row counts it, or it is gone. */
  end(): void {
    this.incoming.add(this.userId, -this.#size);
    this.#size = 0;
  }
}
