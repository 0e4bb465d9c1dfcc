/** What a stream of texts is made with. */
export interface TextStreamOptions {
  /** Milliseconds that its reader may take nothing. */
  patienceMs: number;
  /** Called once when it is over; with what broke it off, unless it came to its end or its reader left. */
  ended(error?: unknown): void;
}

const utf8 = new TextEncoder();

/**
 * Texts as the body of an answer. The one after the next is made when the next is taken, none before. When it fails, the
 * connection breaks off: nobody takes a part for the whole.
 */
export class TextStream {
  readonly body: ReadableStream<Uint8Array>;
  #next: Promise<IteratorResult<string>>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  /** @param first what `texts` gave already */
  constructor(
    private readonly texts: AsyncGenerator<string>,
    first: IteratorResult<string>,
    private readonly options: TextStreamOptions,
  ) {
    this.#next = Promise.resolve(first);
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => this.#wait(controller),
        pull: (controller) => this.#pull(controller),
        cancel: () => this.#end(),
      },
      { highWaterMark: 0 },
    );
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    clearTimeout(this.#timer);
    try {
      const { value, done } = await this.#next;
      if (this.#isOver) return;
      if (done) {
        this.#end();
        controller.close();
        return;
      }
      this.#next = this.texts.next();
      // Whoever takes it hears of it; nobody may.
      this.#next.catch(() => {});
      controller.enqueue(utf8.encode(value));
      this.#wait(controller);
    } catch (error) {
      this.#fail(controller, error);
    }
  }

  #wait(controller: ReadableStreamDefaultController<Uint8Array>): void {
    const tooLong = () => this.#fail(controller, new Error("Its reader takes nothing."));
    this.#timer = setTimeout(tooLong, this.options.patienceMs);
  }

  #fail(controller: ReadableStreamDefaultController<Uint8Array>, error: unknown): void {
    if (this.#isOver) return;
    this.#end(error);
    controller.error(error);
  }

  #end(error?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    // What is being read now is the last.
    void this.texts.return(undefined);
    this.options.ended(error);
  }
}
