import type { Readable } from "node:stream";
import type { BusboyHeaders, BusboyInstance } from "@fastify/busboy";
import { Invalid, Refusal } from "../errors";
import { refuseCoding } from "./body";

/** A file in a form, as it comes in. */
export interface FormFile {
  /** The field that it stands in. */
  field: string;
  /** What its sender calls it, without folders; empty where it has no name. */
  name: string;
  /** To be read once. What is not read of it is passed over; each chunk is gone when the next one is asked for. */
  bytes: AsyncIterable<Uint8Array>;
}

/** What a form may have at most. */
export interface FormLimits {
  files: number;
  fields: number;
  /** Of the value of a field that is no file. */
  fieldBytes: number;
}

/** The fields of a form that are no files, by name. */
export type FormFields = ReadonlyMap<string, string>;

/**
 * Reads a `multipart/form-data` body, of whatever size, without holding it: `take` gets one file after the other as they come,
 * and whoever sends waits for it. When it resolves or rejects, nobody reads any more.
 * @throws Refusal 415 for another media type, 400 when it is no form or breaks off, Invalid for more than `limits` allow, and
 * whatever `take` throws
 */
export async function readForm(
  request: Request,
  limits: FormLimits,
  take: (file: FormFile) => Promise<void>,
): Promise<FormFields> {
  const reader = new FormReader(await parserFor(request, limits), limits, take);
  try {
    return await reader.read(request.body);
  } catch (error) {
    await reader.abandon(error as Error);
    throw error;
  }
}

/** One form on its way through the parser. */
class FormReader {
  readonly #parser: BusboyInstance;
  readonly #fields = new Map<string, string>();
  /** The memory of what came in. */
  readonly #came = new WeakSet<ArrayBufferLike>();
  #taking: Promise<void> = Promise.resolve();
  #current: Readable | undefined;
  #failure: Error | undefined;
  #isFinished = false;
  /** Called when there may be something new for whoever waits. */
  #wake = () => {};

  constructor(parser: BusboyInstance, limits: FormLimits, take: (file: FormFile) => Promise<void>) {
    this.#parser = parser;
    this.#parser
      .on("file", (field, bytes, name) => this.#file(take, { field, bytes, name: asTyped(name ?? "") }))
      .on("field", (name, value, isNameCut, isCut) => this.#field(name, value, isNameCut || isCut))
      .on("filesLimit", () => this.#fail(tooMany("file", `at most ${limits.files} files at once`)))
      .on("fieldsLimit", () => this.#fail(tooMany("body", `at most ${limits.fields} fields`)))
      .on("partsLimit", () => this.#fail(tooMany("body", `at most ${limits.fields} fields`)))
      .on("drain", () => this.#wake())
      .on("finish", () => {
        this.#isFinished = true;
        this.#wake();
      })
      .on("error", (error) => this.#fail(malformed(error as Error)));
  }

  async read(body: ReadableStream<Uint8Array> | null): Promise<FormFields> {
    for await (const chunk of body ?? []) {
      this.#came.add(chunk.buffer);
      const mayGoOn = this.#parser.write(chunk as Buffer);
      if (!mayGoOn && !this.#failure) await this.#somethingNew();
      if (this.#failure) throw this.#failure;
    }
    this.#parser.end();
    while (!this.#isFinished && !this.#failure) await this.#somethingNew();
    await this.#taking;
    if (this.#failure) throw this.#failure;
    return this.#fields;
  }

  /** Lets whoever takes a file know that nothing more comes of it, and waits until they have let go of it. */
  async abandon(why: Error): Promise<void> {
    this.#fail(why);
    this.#current?.destroy(why);
    await this.#taking.catch(() => undefined);
  }

  #file(take: (file: FormFile) => Promise<void>, file: FormFile & { bytes: Readable }): void {
    // Its end is heard by whoever reads it; without a listener, an error would end the process.
    file.bytes.on("error", (error) => this.#fail(malformed(error)));
    this.#taking = this.#takeAfter(this.#taking, take, file);
    this.#taking.catch((error: Error) => this.#fail(error));
  }

  async #takeAfter(
    before: Promise<void>,
    take: (file: FormFile) => Promise<void>,
    file: FormFile & { bytes: Readable },
  ): Promise<void> {
    await before;
    if (this.#failure) throw this.#failure;
    this.#current = file.bytes;
    await take({ ...file, bytes: this.#readOnce(file.bytes) });
    file.bytes.resume();
  }

  /** Whoever stops reading leaves the rest to be passed over: a stream that is destroyed would end the form. */
  async *#readOnce(stream: Readable): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
        yield chunk as Uint8Array;
        this.#free(chunk as Uint8Array);
      }
    } catch (error) {
      throw malformed(error as Error);
    }
  }

  /**
   * Gives memory back at once, where nothing else stands in it: many uploads bring it in faster than the garbage collector
   * would find out.
   */
  #free({ buffer, byteLength }: Uint8Array): void {
    if (byteLength !== buffer.byteLength || !this.#came.has(buffer)) return;
    if (buffer instanceof ArrayBuffer) buffer.transfer(0);
  }

  #field(name: string, value: string, isCut: boolean): void {
    const field = name.slice(0, 200);
    if (isCut) this.#fail(invalid(field, "too_long", "is too long"));
    else if (this.#fields.has(name)) this.#fail(invalid(field, "repeated", "is given twice"));
    else if (value.includes("\0") || !value.isWellFormed())
      this.#fail(invalid(field, "invalid_characters", "must not contain NUL or half a surrogate pair"));
    else this.#fields.set(name, value);
  }

  #fail(failure: Error): void {
    this.#failure ??= failure;
    this.#wake();
  }

  #somethingNew(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }
}

async function parserFor(
  request: Request,
  { files, fields, fieldBytes }: FormLimits,
): Promise<BusboyInstance> {
  const type = request.headers.get("content-type");
  if (!/^multipart\/form-data\s*(;|$)/i.test(type ?? "")) throw unsupported();
  refuseCoding(request);
  const limits = { files, fields, fieldSize: fieldBytes, fieldNameSize: 200, headerPairs: 20 };
  // Loaded with the first form: nothing else needs it.
  const { Busboy } = await import("@fastify/busboy");
  try {
    return new Busboy({
      headers: { "content-type": type! } as BusboyHeaders,
      limits: { ...limits, parts: files + fields, headerSize: 16_384 },
    });
  } catch (error) {
    throw malformed(error as Error);
  }
}

/** Browsers put a name between quotes, and write those in it as `%22` (WHATWG's HTML, multipart/form-data). */
const asTyped = (name: string) => name.replaceAll("%22", '"');

const invalid = (field: string, code: string, message: string) => new Invalid([{ field, code, message }]);

const tooMany = (field: string, most: string) => invalid(field, "too_many", `must be ${most}`);

const malformed = (cause: Error) =>
  cause instanceof Refusal
    ? cause
    : new Refusal("malformed", "malformed_form", "The body is not a whole multipart/form-data form.", {
        cause,
      });

const unsupported = () =>
  new Refusal(
    "unsupported_media",
    "unsupported_media_type",
    "Send a form: Content-Type: multipart/form-data.",
    { headers: { accept: "multipart/form-data" } },
  );
