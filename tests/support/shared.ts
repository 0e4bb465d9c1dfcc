/** One server for all the blocks of a test file that want the same one: starting it takes longer than most of their tests. */
import { bringPeople, type People } from "./people";
import { emptyServer } from "./records";
import { startTestServer, type Engine, type TestServer } from "./servers";

/** A server that a block of tests has to itself, until it leaves it to the next. */
export interface Turn {
  /** The server with the cast and nothing else; what it keeps in memory may be known to it from before. */
  enter(): Promise<{ server: TestServer; people: People }>;
  /** The last one stops the server. */
  leave(): Promise<void>;
}

interface Shared {
  /** Blocks that have not left. */
  left: number;
  server?: Promise<TestServer>;
}

const shared = new Map<string, Shared>();

/**
 * A turn on a server with these settings. Taken while a file is read, so that the server knows whom to wait for.
 * @param isAlone on a server of its own
 */
export function takeTurn(engine: Engine, env: Record<string, string> = {}, isAlone = false): Turn {
  const key = JSON.stringify([engine, env, isAlone && turns++]);
  const mine: Shared = shared.get(key) ?? { left: 0 };
  shared.set(key, mine);
  mine.left++;
  return {
    async enter() {
      const isUsed = mine.server !== undefined;
      const server = await (mine.server ??= startTestServer(engine, env));
      if (isUsed) await emptyServer(server);
      return { server, people: await bringPeople(server) };
    },
    async leave() {
      if (--mine.left > 0) return;
      shared.delete(key);
      await (await mine.server)?.stop();
    },
  };
}

let turns = 0;
