import type { ServerWebSocket } from "bun";
import { Elysia } from "elysia";
import { Type } from "@sinclair/typebox";
import { monotonic, second } from "../clock";
import { Refusal } from "../errors";
import { callOf, type Call } from "../http/call";
import type { Identify } from "../http/edge";
import type { HttpKit } from "../http/kit";
import type { Actor } from "../policy";
import { Connection, type Outlet } from "./connection";
import { closing, Closing, frameOf, largestFrame, pongFrame, readFrame, type Incoming } from "./frames";
import { closingOf, type Hub } from "./hub";
import { afterOf, StreamQuery } from "./query";

/** What a socket needs from the server. */
export interface SocketOptions {
  hub: Hub;
  identify: Identify;
  /** Frames that one may send in a second. */
  framesPerSecond: () => number;
}

/** How long somebody may take to sign in. */
const signInMs = 10 * second;

/** Bytes that may wait for a reader before it counts as slow. */
const fullAt = 64 * 1024;

/** Bun drops what goes beyond; nothing is sent to a slow reader that could come near. */
const mostWaiting = 1024 * 1024;

/** What Bun does with sockets: each is the `Socket` it was upgraded with. */
export const socketHandlers = {
  maxPayloadLength: largestFrame,
  backpressureLimit: mostWaiting,
  // The hub pings, and drops whoever is silent.
  idleTimeout: 0,
  sendPings: false,
  open: (ws: ServerWebSocket<Socket>) => ws.data.opened(ws),
  message: (ws: ServerWebSocket<Socket>, data: string | Buffer) => ws.data.received(data),
  ping: (ws: ServerWebSocket<Socket>) => ws.data.signed(),
  pong: (ws: ServerWebSocket<Socket>) => ws.data.signed(),
  drain: (ws: ServerWebSocket<Socket>) => ws.data.drained(),
  close: (ws: ServerWebSocket<Socket>) => ws.data.ended(),
};

/**
 * `/ws` and `/api/ws`. A browser lets any page connect to any address, but sends nothing of its own accord that would let
 * that page in: tokens and tickets are what the page has itself. So it does not matter where a page comes from.
 */
export const socketRoutes = (kit: HttpKit, options: SocketOptions) => {
  const connect = ({ request, server, set, parameters }: Upgrading): undefined => {
    const call = callOf(request);
    const socket = new Socket(options, call, afterOf(parameters));
    const headers = { "x-request-id": call.id };
    if (!server?.upgrade(request, { data: socket, headers })) throw notASocket();
    set.status = 101;
  };
  const declared = {
    permission: "public",
    parameters: StreamQuery,
    ticket: "ws",
    returns: Type.Null({ title: "WebSocket" }),
    // OpenAPI describes no frames.
    detail: { hide: true, summary: "Connect a WebSocket" },
  } as const;
  return new Elysia({ tags: ["Notifications"] })
    .use(kit)
    .get("/ws", (context) => connect(context as unknown as Upgrading), {
      ...declared,
      detail: { ...declared.detail },
    })
    .get("/api/ws", (context) => connect(context as unknown as Upgrading), {
      ...declared,
      detail: { ...declared.detail },
    });
};

interface Upgrading {
  request: Request;
  server: {
    upgrade(request: Request, options: { data: Socket; headers: Record<string, string> }): boolean;
  } | null;
  set: { status?: number | string };
  parameters: Record<string, string>;
}

const notASocket = () =>
  new Refusal("malformed", "websocket_expected", "Connect here with a WebSocket: ws:// or wss://.", {
    headers: { upgrade: "websocket" },
  });

/** One WebSocket. Its frames are taken one after the other. */
class Socket implements Outlet {
  readonly kind = "websocket";
  #ws: ServerWebSocket<Socket> | undefined;
  #connection: Connection | undefined;
  #isClosed = false;
  /** The last frame did not go out at once. */
  #isPressed = false;
  #signIn: ReturnType<typeof setTimeout> | undefined;
  #turn: Promise<void> = Promise.resolve();
  #secondBegan = 0;
  #frames = 0;

  constructor(
    private readonly options: SocketOptions,
    private readonly call: Call,
    private readonly after: number | null,
  ) {}

  get isFull(): boolean {
    return this.#isPressed && this.#ws!.getBufferedAmount() > fullAt;
  }

  send(frame: string): void {
    if (this.#ws!.send(frame) <= 0) this.#isPressed = true;
  }

  beat(): void {
    this.#ws!.ping();
  }

  close(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#signIn);
    this.#ws!.close(code, reason);
  }

  opened(ws: ServerWebSocket<Socket>): void {
    this.#ws = ws;
    this.#then(async () => {
      this.options.hub.hold(this);
      const { actor, credentialsRefused } = this.call;
      if (credentialsRefused) throw new Closing(closing.unauthenticated, credentialsRefused.detail);
      if (actor) return this.#join(actor, this.after);
      this.#signIn = setTimeout(
        () => this.#fail(new Closing(closing.silent, "Nobody signed in within 10 seconds.")),
        signInMs,
      );
    });
  }

  received(data: string | Buffer): void {
    this.#hear(() => {
      const frame = readFrame(data);
      this.#then(() => this.#take(frame));
    });
  }

  /** A ping or pong of the protocol itself, which Bun has answered: it counts as any frame does. */
  signed(): void {
    this.#hear(() => {});
  }

  drained(): void {
    this.#isPressed = false;
    if (this.#connection?.isReady) this.options.hub.drained(this.#connection);
  }

  ended(): void {
    this.#isClosed = true;
    clearTimeout(this.#signIn);
    if (this.#connection) this.options.hub.leave(this.#connection);
    else this.options.hub.release(this);
  }

  #then(work: () => Promise<void>): void {
    this.#turn = this.#inTurn(this.#turn, work);
  }

  async #inTurn(before: Promise<void>, work: () => Promise<void>): Promise<void> {
    await before;
    if (this.#isClosed) return;
    try {
      await work();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#isClosed) return;
    const { code, message } = closingOf(error);
    this.close(code, message);
  }

  #hear(take: () => void): void {
    if (this.#isClosed) return;
    if (this.#connection) this.#connection.heardAt = monotonic();
    try {
      this.#count();
      take();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @throws Closing when more frames came in this second than are taken */
  #count(): void {
    const time = monotonic();
    if (time - this.#secondBegan >= second) [this.#secondBegan, this.#frames] = [time, 0];
    if (++this.#frames > this.options.framesPerSecond())
      throw new Closing(closing.flood, "Too many frames. Slow down.");
  }

  async #take(frame: Incoming): Promise<void> {
    switch (frame.type) {
      case "ping":
        return this.send(pongFrame);
      case "auth":
        return this.#authenticate(frame.token, frame.after ?? null);
      default:
        return this.#watch(frame.type, frame.payload.topics);
    }
  }

  async #authenticate(token: string, after: number | null): Promise<void> {
    if (this.#connection) throw new Closing(closing.malformed, "You are signed in already.");
    const identity = await this.options.identify(token);
    if (typeof identity === "string") throw new Closing(closing.unauthenticated, identity);
    await this.#join({ ...identity, requestId: this.call.id }, after);
  }

  async #join(actor: Actor, after: number | null): Promise<void> {
    clearTimeout(this.#signIn);
    if (this.#isClosed) return;
    this.#connection = new Connection(this, actor);
    await this.options.hub.join(this.#connection, after);
  }

  async #watch(type: "subscribe" | "unsubscribe", topics: readonly string[]): Promise<void> {
    const { hub } = this.options;
    const connection = this.#connection;
    if (!connection) throw new Closing(closing.unauthenticated, "Sign in first: send an auth frame.");
    if (type === "unsubscribe") hub.unsubscribe(connection, topics);
    const refused = type === "subscribe" ? await hub.subscribe(connection, topics) : [];
    connection.send(frameOf(`${type}d`, { topics: [...connection.topics].toSorted(), refused }));
  }
}
