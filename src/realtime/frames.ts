import { Type, type Static, type TSchema } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";

/** Why the server closes a connection, as a client sees it. docs/api.md has this table too. */
export const closing = {
  /** The server stops. Connect again, to whoever takes its place. */
  goingAway: 1001,
  /** A frame that is no text. */
  binary: 1003,
  /** A fault of the server, or of what it depends on. */
  fault: 1011,
  /** The server has as many connections as it takes. */
  full: 1013,
  /** A frame that is not JSON, or does not have the form of its type. */
  malformed: 4400,
  /** The credentials were refused, have expired, or were revoked. */
  unauthenticated: 4401,
  /** A frame of a type that there is not. */
  unknownType: 4404,
  /** Nobody signed in within 10 seconds, or nothing was heard for 60. */
  silent: 4408,
  /** More frames in a second than are taken. */
  flood: 4429,
  /** The user has as many connections as one may have. */
  tooMany: 4430,
} as const;

/** One of the codes above. Bun itself closes with 1007 for text that is not UTF-8, and with 1009 for too large a frame. */
export type CloseCode = (typeof closing)[keyof typeof closing];

/** A connection has to be closed, and why. */
export class Closing extends Error {
  override name = "Closing";
  /** @param reason at most 123 bytes: more does not fit into a close frame */
  constructor(
    readonly code: CloseCode,
    reason: string,
  ) {
    super(reason);
  }
}

/** Bytes that a frame from a client may have: a token, or a hundred topics. */
export const largestFrame = 16 * 1024;

/** Topics that one connection may have. */
export const mostTopics = 100;

const topics = Type.Object(
  { topics: Type.Array(Type.String({ maxLength: 100 }), { maxItems: mostTopics }) },
  { additionalProperties: false },
);
/** Clients may send all members always; these say nothing where a type has no use for them. */
const unused = { id: Type.Optional(Type.Null()) };
const bare = { payload: Type.Optional(Type.Unknown()) };
const frame = <Properties extends Record<string, TSchema>>(properties: Properties) =>
  Type.Object({ ...unused, ...properties }, { additionalProperties: false });

const incoming = {
  auth: frame({
    ...bare,
    type: Type.Literal("auth"),
    token: Type.String({ maxLength: 8_192 }),
    after: Type.Optional(Type.Union([Type.Integer({ minimum: 0 }), Type.Null()])),
  }),
  ping: frame({ ...bare, type: Type.Literal("ping") }),
  subscribe: frame({ type: Type.Literal("subscribe"), payload: topics }),
  unsubscribe: frame({ type: Type.Literal("unsubscribe"), payload: topics }),
};

/** What a client may send. */
export type Incoming = Static<(typeof incoming)[keyof typeof incoming]>;

/** @throws Closing when it is not one of those frames */
export function readFrame(text: string | Buffer): Incoming {
  if (typeof text !== "string") throw new Closing(closing.binary, "Frames are text.");
  const value = parsed(text);
  const type = typeOf(value);
  if (!Object.hasOwn(incoming, type))
    throw new Closing(closing.unknownType, "There is no such type of frame.");
  const schema = incoming[type as keyof typeof incoming];
  if (Value.Check(schema, value)) return value;
  const wrong = Value.Errors(schema, value).First();
  const place = wrong?.path.slice(1).replaceAll("/", ".").slice(0, 40);
  throw new Closing(
    closing.malformed,
    `The ${type} frame does not have the right form: ${place || "frame"}.`,
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Closing(closing.malformed, "The frame is not JSON.");
  }
}

function typeOf(value: unknown): string {
  const type = (value as { type?: unknown } | null)?.type;
  if (typeof type === "string" && !Array.isArray(value)) return type;
  throw new Closing(closing.malformed, "A frame is an object with a type.");
}

/** A frame to a client. Only notifications have an `id`. */
export const frameOf = (type: string, payload?: unknown, id?: number): string =>
  JSON.stringify({ type, id, payload });

/** Something was lost on the way to this client: it fetches what it shows. */
export const resyncFrame = frameOf("resync");
export const pongFrame = frameOf("pong");
