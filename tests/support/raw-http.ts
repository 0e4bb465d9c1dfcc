/** HTTP as it is written to the socket, for what no client library would send. */

export interface RawAnswer {
  /** 0 when the server closed the connection without a word. */
  status: number;
  headers: Headers;
  body: string;
}

/** Writes `text` and reads until the server closes the connection: send `Connection: close`. */
export async function rawHttp(url: string, text: string): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const received = await new Promise<string>((resolve, reject) => {
    let answer = "";
    const ended = () => resolve(answer);
    Bun.connect({
      hostname,
      port: Number(port),
      socket: {
        open: (socket) => void socket.write(text),
        data: (_, chunk) => void (answer += chunk.toString()),
        close: ended,
        end: ended,
        error: (_, error) => reject(error),
        connectError: (_, error) => reject(error),
      },
    }).catch(reject);
  });
  const [head = "", ...body] = received.split("\r\n\r\n");
  const [statusLine = "", ...lines] = head.split("\r\n");
  const headers = lines.map((line): [string, string] => [
    line.slice(0, line.indexOf(":")),
    line.slice(line.indexOf(":") + 1).trim(),
  ]);
  return {
    status: Number(statusLine.split(" ")[1] ?? 0),
    headers: new Headers(headers),
    body: body.join("\r\n\r\n"),
  };
}
