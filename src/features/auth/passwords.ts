import { availableParallelism } from "node:os";
import { Busy } from "../../errors";
import { newSecret } from "../../ids";
import { letRequestsGoFirst } from "./hashing-threads";
import commonest from "./common-passwords.txt" with { type: "text" };

/** Parameters for new hashes: OWASP's argon2id choice, 19 MiB (in KiB here), two passes, one lane. */
const parameters = { algorithm: "argon2id", memoryCost: 19_456, timeCost: 2 } as const;
const current = { variant: "argon2id", version: "19", m: "19456", t: "2", p: "1" };

const shortest = 10;
const longestBytes = 1_024;

/** Too many passwords wait to be hashed. */
export class PasswordQueueFull extends Busy {
  override name = "PasswordQueueFull";

  constructor() {
    super("Too many people sign in right now.");
  }
}

/** How much hashing may go on at once. */
export interface PasswordHasherOptions {
  /**
   * Hashes computed at once; 0 means one less than there are cores, so that requests keep one. At least one.
   */
  concurrency: number;
  /** Hashes that may wait for their turn, beyond those being computed. */
  queue: number;
}

/** What comparing a password with a hash gives. */
export interface Verdict {
  ok: boolean;
  /** The stored hash was made with other parameters: hash the password again now that it is known. */
  outdated: boolean;
}

/** Hashes passwords and compares them (argon2id, RFC 9106). */
export interface PasswordHasher {
  /**
   * The argon2id hash of a password, in PHC string format.
   * @throws PasswordQueueFull
   */
  hash(password: string): Promise<string>;
  /**
   * Compares a password with a stored hash. `null`, an account that does not exist or has no password, takes
   * as long as a real comparison, so that the time of an answer does not tell which accounts exist.
   * @throws PasswordQueueFull
   */
  verify(password: string, hash: string | null): Promise<Verdict>;
  /** Hashes being computed now. */
  readonly running: number;
  /** Hashes that wait for their turn. */
  readonly waiting: number;
  /** Hashes that may wait. */
  readonly places: number;
}

/**
 * Hashing off the event loop, so many at once and no more: each takes 19 MiB and a core for 20 ms or longer.
 */
export function passwordHasher(options: PasswordHasherOptions): PasswordHasher {
  const turns = new Turns(options.concurrency || Math.max(1, availableParallelism() - 1), options.queue);
  const nobody = unmatchableHash();
  return {
    hash: (password) => turns.run(() => Bun.password.hash(prepared(password), parameters)),
    async verify(password, hash) {
      // An unreadable hash is no hash: an error here would tell that the account exists.
      const known = hash !== null && isReadable(hash);
      const matches = await turns.run(() => Bun.password.verify(prepared(password), known ? hash : nobody));
      return { ok: matches && known, outdated: known && isOutdated(hash) };
    },
    get running() {
      return turns.running;
    },
    get waiting() {
      return turns.waiting;
    },
    places: options.queue,
  };
}

/** Why a password is refused. `code` is for programs, `message` for people. */
export interface PasswordProblem {
  code: "too_short" | "too_long" | "too_common";
  message: string;
}

/**
 * Whether a password may be chosen (NIST SP 800-63B, 5.1.1.2: length and a list of common ones, no rules
 * about kinds of characters).
 */
export function passwordProblem(password: string): PasswordProblem | null {
  const text = prepared(password);
  // Measured first and in bytes: nothing else looks at a text of unlimited size.
  if (text.length > longestBytes || Buffer.byteLength(text) > longestBytes)
    return { code: "too_long", message: `A password has at most ${longestBytes} bytes.` };
  if ([...text].length < shortest)
    return { code: "too_short", message: `A password has at least ${shortest} characters.` };
  if (isCommon(text.toLowerCase()))
    return { code: "too_common", message: "This password is among the commonest; choose another." };
  return null;
}

/** Passwords are chosen too seldom for a set of the common ones to stay in memory. */
const isCommon = (lowered: string) => commonest.split("\n").includes(lowered);

/**
 * NFC, NFD and compatibility forms of one password are the same password: keyboards differ (NIST SP 800-63B).
 */
const prepared = (password: string) => password.normalize("NFKC");

const phc = /^\$(argon2(?:id|i|d))\$v=(\d+)\$m=(\d+),t=(\d+),p=(\d+)\$[A-Za-z\d+/]+\$[A-Za-z\d+/]+$/;
const bcrypt = /^\$2[abxy]\$\d\d\$[./A-Za-z\d]{53}$/;

const isReadable = (hash: string) => phc.test(hash) || bcrypt.test(hash);

/** Compares the parameters that the PHC string names with those of new hashes. */
function isOutdated(hash: string) {
  const [, variant, version, m, t, p] = phc.exec(hash) ?? [];
  const { variant: v, ...rest } = current;
  return variant !== v || version !== rest.version || m !== rest.m || t !== rest.t || p !== rest.p;
}

/** A hash of the present parameters that no known password has: its digest is random. */
function unmatchableHash() {
  const { variant, version, m, t, p } = current;
  return `$${variant}$v=${version}$m=${m},t=${t},p=${p}$${randomBase64(24)}$${randomBase64(24)}`;
}

/** PHC strings take base64 without padding. */
const randomBase64 = (bytes: number) => Buffer.from(newSecret(bytes)).toString("base64").replace(/=+$/, "");

/** So many tasks at once, so many waiting, first come first served. */
class Turns {
  running = 0;
  #queue: (() => void)[] = [];

  constructor(
    private readonly concurrency: number,
    private readonly places: number,
  ) {}

  get waiting() {
    return this.#queue.length;
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.running < this.concurrency) this.running++;
    else await this.#turn();
    try {
      const done = task();
      letRequestsGoFirst();
      return await done;
    } finally {
      this.#pass();
    }
  }

  #turn() {
    if (this.#queue.length >= this.places) throw new PasswordQueueFull();
    return new Promise<void>((resolve) => this.#queue.push(resolve));
  }

  /** Hands the turn to the next one without giving it free, so that no newcomer slips in between. */
  #pass() {
    const next = this.#queue.shift();
    if (next) next();
    else this.running--;
  }
}
