import type { Socket } from "bun";

/** A proxy in front of a server that can go silent: connections stay open and nothing comes through. */
export interface BlackHole {
  /** The server's URL, by way of the proxy. */
  url: string;
  swallow(): void;
  /** New connections pass again; those that were swallowed stay dead. */
  restore(): void;
  close(): void;
}

interface Link {
  other: Socket<Link> | undefined;
  waiting: Buffer[];
  isDead: boolean;
}

export async function blackHole(url: string): Promise<BlackHole> {
  const { hostname, port } = new URL(url);
  let swallows = false;
  const links = new Set<Link>();

  function pass(socket: Socket<Link>, bytes: Buffer) {
    const link = socket.data;
    if (link.isDead) return;
    if (link.other) link.other.write(bytes);
    else link.waiting.push(Buffer.from(bytes));
  }
  const end = (socket: Socket<Link>) => {
    if (!socket.data.isDead) socket.data.other?.end();
  };

  async function open(near: Socket<Link>) {
    const link: Link = { other: undefined, waiting: [], isDead: swallows };
    near.data = link;
    links.add(link);
    if (swallows) return;
    const back: Link = { other: near, waiting: [], isDead: false };
    links.add(back);
    const far = await Bun.connect<Link>({
      hostname,
      port: Number(port),
      data: back,
      socket: { data: pass, close: end, error: end },
    });
    link.other = far;
    for (const bytes of link.waiting.splice(0)) pass(near, bytes);
  }

  const server = Bun.listen<Link>({
    hostname: "127.0.0.1",
    port: 0,
    socket: { open, data: pass, close: end, error: end },
  });
  return {
    url: Object.assign(new URL(url), { hostname: "127.0.0.1", port: String(server.port) }).href,
    swallow() {
      swallows = true;
      for (const link of links) link.isDead = true;
    },
    restore() {
      swallows = false;
    },
    close() {
      for (const link of links) link.other?.terminate();
      server.stop(true);
    },
  };
}
