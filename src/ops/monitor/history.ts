import { appendFile, readFile, rename, writeFile } from "node:fs/promises";
import { day, minute, now } from "../../clock";
import { log } from "../logging";

/** One minute of a server. Times in milliseconds, sizes in bytes; `null` where there was nothing to measure. */
export interface Sample {
  /** When it ended, in milliseconds since 1970. */
  at: number;
  requests: number;
  /** Answers 5xx. */
  errors: number;
  p50: number | null;
  p95: number | null;
  p99: number | null;
  /** The share of one processor. */
  cpu: number;
  memory: number;
  /** How late the event loop was, 99th percentile. */
  delay: number | null;
  sockets: number;
  disk_free: number | null;
}

const kept = day / minute;

/**
 * The last 24 hours, a sample a minute, in a file that outlives the server. Nobody waits for it and nothing depends on it:
 * it is not synced, and what cannot be read of it is left out.
 */
export class History {
  readonly #samples: Sample[] = [];
  #lines = 0;

  constructor(private readonly file: string) {}

  /** The oldest first. */
  get samples(): readonly Sample[] {
    return this.#samples;
  }

  async load(): Promise<void> {
    const text = await readFile(this.file, "utf8").catch(() => "");
    const lines = text.split("\n").filter((line) => line !== "");
    this.#lines = lines.length;
    const oldest = now() - day;
    this.#samples.push(...lines.flatMap(readSample).filter(({ at }) => at > oldest));
    this.#samples.splice(0, this.#samples.length - kept);
  }

  async add(sample: Sample): Promise<void> {
    this.#samples.push(sample);
    const oldest = sample.at - day;
    while (this.#samples.length > kept || this.#samples[0]!.at <= oldest) this.#samples.shift();
    try {
      if (this.#lines >= 2 * kept) await this.#rewrite();
      else await appendFile(this.file, `${JSON.stringify(sample)}\n`, { mode: 0o600 });
      this.#lines++;
    } catch (error) {
      log.warn("The figures of the last minute could not be kept", { error });
    }
  }

  async #rewrite(): Promise<void> {
    const draft = `${this.file}.new`;
    await writeFile(draft, this.#samples.map((sample) => `${JSON.stringify(sample)}\n`).join(""), {
      mode: 0o600,
    });
    await rename(draft, this.file);
    this.#lines = this.#samples.length - 1;
  }
}

/** A line that was cut off by a crash is no sample. */
function readSample(line: string): Sample[] {
  try {
    const sample = JSON.parse(line) as Sample;
    return Number.isFinite(sample.at) && Number.isFinite(sample.requests) ? [sample] : [];
  } catch {
    return [];
  }
}
