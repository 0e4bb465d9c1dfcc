import { connect, type Socket } from "node:net";
import type { Frame } from "./realtime";

/** A WebSocket whose bytes are written and read by hand; nothing is read from it before somebody listens. */
export async function upgradeByHand(url: string, headers: string[] = []): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  const upgrade = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"];
  const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
  socket.write(["GET /ws HTTP/1.1", "Host: crm", ...upgrade, key, ...headers, "", ""].join("\r\n"));
  await new Promise<void>((resolve) => {
    const onReadable = () => {
      // Byte by byte up to the empty line: what comes after it are frames.
      let head = "";
      while (!head.endsWith("\r\n\r\n")) {
        const byte = socket.read(1) as Buffer | null;
        if (byte === null) return;
        head += byte.toString("latin1");
      }
      socket.off("readable", onReadable);
      resolve();
    };
    socket.on("readable", onReadable);
  });
  return socket;
}

/** Reads the frames of text that come from a server, as JSON. */
export const readFrames = (socket: Socket, onFrame: (frame: Frame) => void): void =>
  eachFrame(socket, ({ opcode, payload }) => {
    if (opcode === 1) onFrame(JSON.parse(payload.toString()) as Frame);
  });

/** The code that a server closes with, whatever it sends before. */
export const closeCodeOf = (socket: Socket): Promise<number> =>
  new Promise((resolve) =>
    eachFrame(socket, ({ opcode, payload }) => {
      if (opcode === 8) resolve(payload.readUInt16BE(0));
    }),
  );

/** The frames that come from a server (RFC 6455, 5.2). */
function eachFrame(socket: Socket, take: (frame: { opcode: number; payload: Buffer }) => void): void {
  let waiting = Buffer.alloc(0);
  socket.on("data", (bytes: Buffer) => {
    waiting = Buffer.concat([waiting, bytes]);
    for (let frame = nextFrame(waiting); frame; frame = nextFrame(waiting)) {
      waiting = waiting.subarray(frame.end);
      take(frame);
    }
  });
}

function nextFrame(bytes: Buffer) {
  if (bytes.length < 2) return undefined;
  const short = bytes[1]! & 0x7f;
  const start = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < start) return undefined;
  const length =
    short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const end = start + length;
  return bytes.length < end
    ? undefined
    : { opcode: bytes[0]! & 0x0f, payload: bytes.subarray(start, end), end };
}
