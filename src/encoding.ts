/** In which encoding the bytes of a file are, and what they say. */

/** The encodings that are read. */
export const encodings = ["utf-8", "utf-16le", "utf-16be", "windows-1252", "windows-1258"] as const;
/** One of `encodings`. */
export type Encoding = (typeof encodings)[number];

/** What is known of the encoding of a file once all of it was seen. */
export interface Found {
  encoding: Encoding;
  /** It is whole UTF-8: what is read as U+FFFD stands in it, and takes the place of nothing. */
  isSound: boolean;
}

/** The encoding that bytes most likely have. */
export function encodingOf(bytes: Uint8Array): Encoding {
  const finder = new EncodingFinder();
  finder.see(bytes);
  return finder.found().encoding;
}

/** What bytes say, without their byte order mark; what they do not spell is U+FFFD. A tone of Windows-1258 joins its vowel. */
export function decoded(bytes: Uint8Array, encoding: Encoding): string {
  const text = new TextDecoder(encoding).decode(bytes);
  return encoding === "windows-1258" ? text.normalize("NFC") : text;
}

/** Vowels of Vietnamese in Windows-1258, before their tone. */
const vowels = new Set([..."aeiouyAEIOUY"].map((letter) => letter.charCodeAt(0)));
for (const byte of [0xe2, 0xea, 0xf4, 0xe3, 0xf5, 0xfd, 0xc2, 0xca, 0xd4, 0xc3, 0xd5, 0xdd]) vowels.add(byte);
/** Its combining tones: grave, hook, tilde, acute, dot. In Windows-1252 these are the letters ÌÒÞìò. */
const tones = new Set([0xcc, 0xd2, 0xde, 0xec, 0xf2]);
/** Đ and đ, which Windows-1252 has as Ð and ð. */
const crossed = new Set([0xd0, 0xf0]);

const anyNext = [0x80, 0xbf] as const;
/** After these it is narrower: letters that could be shorter, halves of surrogate pairs and what is above U+10FFFF are none. */
const firstNext: ReadonlyMap<number, readonly [number, number]> = new Map([
  [0xe0, [0xa0, 0xbf]],
  [0xed, [0x80, 0x9f]],
  [0xf0, [0x90, 0xbf]],
  [0xf4, [0x80, 0x8f]],
]);

/**
 * Looks at the bytes of a file as they come, and says at the end in which encoding it most likely is: by its byte order
 * mark, by its zeros, because it is UTF-8, and else by whether its letters make Vietnamese syllables.
 */
export class EncodingFinder {
  readonly #zeros = [0, 0];
  readonly #start: number[] = [];
  #size = 0;
  #invalid = 0;
  #sequences = 0;
  /** Bytes of a sequence of UTF-8 that are still to come, and between what the next of them is. */
  #awaited = 0;
  #next: readonly [least: number, most: number] = anyNext;
  #high = 0;
  #vietnamese = 0;
  #before = 0;

  /** The next bytes. */
  see(chunk: Uint8Array): void {
    if (this.#start.length < 3) this.#start.push(...chunk.subarray(0, 3 - this.#start.length));
    for (const byte of chunk) {
      if (byte === 0) this.#zeros[this.#size & 1]!++;
      this.#size++;
      if (byte >= 0x80 || this.#awaited > 0) this.#seeUtf8(byte);
      if (byte >= 0x80) this.#seeHigh(byte);
      this.#before = byte;
    }
  }

  /** What it most likely is. @param given what its sender says it is */
  found(given?: Encoding): Found {
    const encoding = given ?? this.#encoding();
    return { encoding, isSound: encoding === "utf-8" && this.#invalid === 0 && this.#awaited === 0 };
  }

  #encoding(): Encoding {
    const [a, b] = this.#start;
    if (a === 0xff && b === 0xfe) return "utf-16le";
    if (a === 0xfe && b === 0xff) return "utf-16be";
    const [even, odd] = this.#zeros as [number, number];
    // Of letters in UTF-16, most have a zero, always in the same place.
    if (odd > this.#size / 8 && even * 16 < odd) return "utf-16le";
    if (even > this.#size / 8 && odd * 16 < even) return "utf-16be";
    // Bytes that went wrong do not make it another encoding: text in one has hardly ever what looks like a letter of UTF-8.
    // Of a file that was put together from both, rows are refused then, and none is garbled in silence.
    if (this.#invalid === 0 || this.#sequences >= this.#invalid) return "utf-8";
    return this.#vietnamese > 1 && this.#vietnamese * 4 >= this.#high ? "windows-1258" : "windows-1252";
  }

  #seeUtf8(byte: number): void {
    if (this.#awaited > 0) {
      const [least, most] = this.#next;
      this.#next = anyNext;
      if (byte >= least && byte <= most) {
        if (--this.#awaited === 0) this.#sequences++;
        return;
      }
      this.#invalid++;
      this.#awaited = 0;
      if (byte < 0x80) return;
    }
    if (byte >= 0xc2 && byte <= 0xdf) this.#awaited = 1;
    else if (byte >= 0xe0 && byte <= 0xef) this.#awaited = 2;
    else if (byte >= 0xf0 && byte <= 0xf4) this.#awaited = 3;
    else this.#invalid++;
    this.#next = firstNext.get(byte) ?? anyNext;
  }

  #seeHigh(byte: number): void {
    this.#high++;
    if ((tones.has(byte) && vowels.has(this.#before)) || crossed.has(byte)) this.#vietnamese++;
  }
}
