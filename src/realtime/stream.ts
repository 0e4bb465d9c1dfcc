import { Elysia } from "elysia";
import { Type } from "@sinclair/typebox";
import { monotonic, second } from "../clock";
import type { HttpKit } from "../http/kit";
import { Connection, type Outlet } from "./connection";
import { closingOf, type Hub } from "./hub";
import { afterOf, lastEventId, StreamQuery } from "./query";
import type { Actor } from "../policy";

/** Characters that may wait for a reader before it counts as slow. */
const fullAt = 64 * 1024;

/** A browser that lost its stream comes back after this; not all of them at once. */
const retryMs = () => Math.round(second + Math.random() * 3 * second);

/** Notifications for what cannot, or would not, speak WebSocket. */
export const streamRoutes = (kit: HttpKit, hub: Hub) =>
  new Elysia({ prefix: "/api/notifications", tags: ["Notifications"] }).use(kit).get(
    "/stream",
    ({ actor, request, server, set, parameters }) => {
      const after = lastEventId(request.headers.get("last-event-id")) ?? afterOf(parameters);
      set.headers["content-type"] = "text/event-stream";
      // Nginx would wait until there is enough to pass on.
      set.headers["x-accel-buffering"] = "no";
      if (request.method === "HEAD") return "";
      hub.assertRoomFor(actor.userId!);
      server?.timeout(request, 0);
      return new Response(new EventStream(hub, actor, after).body);
    },
    {
      permission: "signed-in",
      parameters: StreamQuery,
      ticket: "sse",
      returns: Type.String({ title: "EventStream", contentMediaType: "text/event-stream" }),
      problems: ["too_many_connections"],
      walk: { endless: true },
      detail: {
        summary: "Your notifications as they come, as server-sent events",
        description:
          "Each event is a frame as on a WebSocket; those of notifications have their number as `id`. `Last-Event-ID` wins over `after`.",
      },
    },
  );

/** One stream of server-sent events (WHATWG HTML, 9.2). */
class EventStream implements Outlet {
  readonly kind = "sse";
  readonly body: ReadableStream<string>;
  readonly #connection: Connection;
  #controller: ReadableStreamDefaultController<string> | undefined;

  constructor(
    private readonly hub: Hub,
    actor: Actor,
    after: number | null,
  ) {
    hub.hold(this);
    this.#connection = new Connection(this, actor);
    this.body = new ReadableStream<string>(
      {
        start: (controller) => this.#begin(controller, after),
        pull: () => this.#taken(),
        cancel: () => this.#end(),
      },
      { highWaterMark: fullAt, size: (text) => text!.length },
    );
  }

  get isFull(): boolean {
    return (this.#controller?.desiredSize ?? 0) <= 0;
  }

  send(frame: string, id?: number): void {
    this.#write(`${id === undefined ? "" : `id: ${id}\n`}data: ${frame}\n\n`);
  }

  beat(): void {
    if (!this.isFull) this.#write(": still here\n\n");
  }

  /** The reader connects again, and is then told why it may not. */
  close(): void {
    const controller = this.#controller;
    this.#controller = undefined;
    controller?.close();
  }

  #begin(controller: ReadableStreamDefaultController<string>, after: number | null): void {
    this.#controller = controller;
    this.#write(`retry: ${retryMs()}\n\n`);
    this.hub.join(this.#connection, after).catch((error: unknown) => {
      closingOf(error);
      this.hub.leave(this.#connection);
      this.close();
    });
  }

  #taken(): void {
    this.#connection.heardAt = monotonic();
    if (this.#connection.isReady) this.hub.drained(this.#connection);
  }

  #end(): void {
    this.#controller = undefined;
    this.hub.leave(this.#connection);
  }

  #write(text: string): void {
    this.#controller?.enqueue(text);
  }
}
