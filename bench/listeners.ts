interface Wait {
  type: string;
  done: PromiseWithResolvers<void>;
}

/** People who have the CRM open: each holds a WebSocket, and now and then watches something else or comes back. */
export class Listeners {
  readonly #sockets: (WebSocket | undefined)[] = [];
  /** What each waits for, the oldest first: a frame of this type. Answers come in the order of what they answer. */
  readonly #waits = new Map<WebSocket, Wait[]>();
  /** Frames that came by themselves. */
  told = 0;

  constructor(
    private readonly url: string,
    private readonly tokens: readonly string[],
  ) {}

  /** Opens so many. */
  async open(count: number): Promise<void> {
    for (let i = 0; i < count; i++) this.#sockets[i] = await this.#connect(i);
  }

  /** One of them does something and waits for the answer. @throws Error when the socket is lost */
  async act(number: number, topics: readonly string[]): Promise<void> {
    const free = this.#sockets.findIndex(
      (_, i) => !this.#isBusy(this.#sockets[(i + number) % this.#sockets.length]),
    );
    const i = (Math.max(0, free) + number) % this.#sockets.length;
    if (number % 10 === 0) {
      const old = this.#sockets[i];
      this.#sockets[i] = undefined;
      old?.close(1000);
      this.#sockets[i] = await this.#connect(i);
      return;
    }
    const socket = this.#sockets[i];
    if (!socket) throw new Error("The socket is not there.");
    const type = number % 2 === 0 ? "subscribe" : "unsubscribe";
    const answered = this.#waitFor(socket, `${type}d`);
    socket.send(JSON.stringify({ type, payload: { topics } }));
    await answered;
  }

  close(): void {
    for (const socket of this.#sockets) socket?.close(1000);
  }

  #isBusy(socket: WebSocket | undefined): boolean {
    return !socket || this.#waits.has(socket);
  }

  #waitFor(socket: WebSocket, type: string): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.#waits.set(socket, [...(this.#waits.get(socket) ?? []), { type, done }]);
    return done.promise;
  }

  async #connect(i: number): Promise<WebSocket> {
    const headers = { authorization: `Bearer ${this.tokens[i % this.tokens.length]}` };
    const socket = new WebSocket(`${this.url.replace(/^http/, "ws")}/ws`, { headers } as never);
    const ready = this.#waitFor(socket, "ready");
    socket.addEventListener("message", ({ data }) => {
      const [wait, ...later] = this.#waits.get(socket) ?? [];
      if (wait && String(data).startsWith(`{"type":"${wait.type}"`)) {
        if (later.length > 0) this.#waits.set(socket, later);
        else this.#waits.delete(socket);
        wait.done.resolve();
      } else this.told++;
    });
    socket.addEventListener("close", ({ code, reason }) => {
      for (const { done } of this.#waits.get(socket) ?? [])
        done.reject(new Error(`closed with ${code} ${reason}`));
      this.#waits.delete(socket);
    });
    await ready;
    return socket;
  }
}
