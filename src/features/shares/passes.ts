import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { now } from "../../clock";

/** What a pass lets its bearer do with one link: go past its password, or go on with a download that was counted. */
export type PassFor = "open" | "resume";

/**
 * Signs what a visitor's browser keeps: that they knew the password of a link, or that a download of theirs was counted.
 * Nothing is stored. A pass is good for one link and one purpose, until its time is up or the server's secret changes.
 */
export class Passes {
  /** @param secret the server's at that moment; the key is derived from it (HKDF, RFC 5869) */
  constructor(private readonly secret: () => string) {}

  /** A pass for a link by its id. @param lastsMs milliseconds for which it is good */
  issue(purpose: PassFor, shareId: string, lastsMs: number): string {
    const until = (now() + lastsMs).toString(36);
    return `${until}.${this.#sign(purpose, shareId, until)}`;
  }

  /** Whether this is a pass that is good for the link, whatever it is. */
  isGood(pass: string | null, purpose: PassFor, shareId: string): boolean {
    const [, until, signature] = /^([\da-z]{1,11})\.([\w-]{43})$/.exec(pass ?? "") ?? [];
    if (until === undefined || signature === undefined) return false;
    const wanted = Buffer.from(this.#sign(purpose, shareId, until));
    return timingSafeEqual(wanted, Buffer.from(signature)) && Number.parseInt(until, 36) > now();
  }

  #sign(purpose: PassFor, shareId: string, until: string): string {
    const key = Buffer.from(hkdfSync("sha256", this.secret(), "", "neocrm share passes", 32));
    return createHmac("sha256", key).update(`${purpose} ${shareId} ${until}`).digest("base64url");
  }
}
