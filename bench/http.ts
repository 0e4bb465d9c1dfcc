import type { Socket } from "bun";

const end = Buffer.from("\r\n\r\n");

/** An answer, as far as a load looks at it. */
export interface Answer {
  status: number;
}

/** One connection that is kept, and sends one request after the other. `fetch` would take more time than the server does. */
export class Connection {
  #socket: Socket | undefined;
  #waiting: PromiseWithResolvers<Answer> | undefined;
  #received: Buffer = Buffer.alloc(0);

  constructor(
    private readonly host: string,
    private readonly port: number,
  ) {}

  /** Sends a request and waits for the end of its answer. @throws Error when the connection is lost */
  async send(request: string): Promise<Answer> {
    const socket = (this.#socket ??= await this.#connect());
    this.#waiting = Promise.withResolvers();
    socket.write(request);
    return this.#waiting.promise;
  }

  close(): void {
    this.#socket?.end();
  }

  #connect(): Promise<Socket> {
    const lost = (why: string) => {
      this.#socket = undefined;
      this.#received = Buffer.alloc(0);
      this.#waiting?.reject(new Error(why));
      this.#waiting = undefined;
    };
    return Bun.connect({
      ...{ hostname: this.host, port: this.port },
      socket: {
        data: (_, bytes) => this.#take(bytes),
        close: () => lost("The connection was closed."),
        error: (_, error) => lost(error.message),
      },
    });
  }

  #take(bytes: Buffer): void {
    this.#received =
      this.#received.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#received, bytes]);
    const head = this.#received.indexOf(end);
    if (head === -1) return;
    const text = this.#received.toString("latin1", 0, head);
    if (!isWhole(text, this.#received.subarray(head + end.length))) return;
    this.#received = Buffer.alloc(0);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve({ status: Number(text.slice(9, 12)) });
  }
}

/** Whether the body is there to its end. */
function isWhole(head: string, body: Buffer): boolean {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head);
  if (length) return body.length >= Number(length[1]);
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) return body.subarray(-5).toString() === "0\r\n\r\n";
  return true;
}
