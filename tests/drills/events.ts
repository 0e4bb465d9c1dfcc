import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBinary } from "../support/binary";
import { listen, type Frame } from "../support/realtime";
import { startMailServer, type MailServer } from "../support/smtp";
import { seeded } from "../support/traffic";
import { drillEnv, signIn, signInAs } from "./api";

export interface EventsDrill {
  kills: number;
  writers: number;
  /** Acknowledged writes before each kill; somewhere between half of it and it. */
  writes: number;
  /** Of when it kills. */
  seed: number;
  /** PostgreSQL's URL; SQLite without. */
  databaseUrl?: string;
}

export interface EventsResult {
  kills: number;
  /** Tasks that were given to somebody, and answered with success. */
  acknowledged: number;
  /** What is wrong with what followed from them. */
  faults: string[];
}

const reader = { email: "reader@drill.example", password: "a phrase for readers only", full_name: "Reader" };

/**
 * Kills the executable with SIGKILL while many give tasks to somebody, again and again. From each acknowledged write follows
 * one activity, one notification, one frame on the socket of who comes back, in order, and a mail under one id.
 */
export async function eventsDrill({
  kills,
  writers,
  writes,
  seed,
  databaseUrl,
}: EventsDrill): Promise<EventsResult> {
  const folder = mkdtempSync(join(tmpdir(), "neocrm-events-"));
  const mails = await startMailServer();
  const env = {
    ...{ ...drillEnv, SMTP_URL: `smtp://127.0.0.1:${mails.port}`, NEOCRM_MAIL_TLS: "none" },
    ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
  };
  const start = () => startBinary({ dataDir: join(folder, "data"), env });
  const random = seeded(seed);
  const acknowledged = new Set<string>();
  const ear = new Ear();
  let cutOff: string[] = [];
  try {
    for (let kill = 0; kill < kills; kill++) {
      const server = await start();
      const headers = await signIn(server.url);
      const to = await ear.comeBack(server.url, headers);
      for (const key of cutOff) acknowledged.add(await give(server.url, headers, to, key));
      const burst = giveUntilKilled(server.url, headers, to, `${kill}`, writers, acknowledged);
      const enough = acknowledged.size + writes / 2 + random(Math.ceil(writes / 2));
      while (acknowledged.size < enough) await Bun.sleep(1);
      await server.kill();
      cutOff = await burst;
    }
    const server = await start();
    const headers = await signIn(server.url);
    const to = await ear.comeBack(server.url, headers);
    for (const key of cutOff) acknowledged.add(await give(server.url, headers, to, key));
    const faults = await faultsIn(server.url, headers, acknowledged, ear, mails);
    await server.stop();
    return { kills, acknowledged: acknowledged.size, faults };
  } finally {
    await mails.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

type Headers = Record<string, string>;

/** Whoever gets the tasks, on a socket that they open again with the last number they saw. */
class Ear {
  readonly frames: Frame[] = [];
  #id: string | undefined;
  headers: Headers = {};

  /** Listens to a server that has just been started; gives the reader's id. */
  async comeBack(url: string, admin: Headers): Promise<string> {
    this.#id ??= (await post(url, "admin/users", admin, { ...reader, role: "user" })).id as string;
    this.headers = await signInAs(url, reader);
    const token = this.headers.authorization!.slice("Bearer ".length);
    const client = await listen(url, token, this.numbers.at(-1) ?? 0);
    client.socket.addEventListener("message", ({ data }) => {
      this.frames.push(JSON.parse(String(data)) as Frame);
    });
    // What came before the listener did.
    this.frames.push(...client.frames);
    return this.#id;
  }

  get numbers(): number[] {
    return this.notifications.map(({ id }) => id!);
  }

  get notifications(): Frame[] {
    return this.frames.filter(({ type }) => type === "notification");
  }
}

/** Gives the reader a task; gives its id. */
async function give(url: string, headers: Headers, assigned_to: string, key: string): Promise<string> {
  const task = { title: `Task ${key}`, assigned_to };
  return (await post(url, "tasks", { ...headers, "idempotency-key": key }, task)).id as string;
}

/** Everybody gives tasks until the server is gone; gives the keys of those that were cut off. */
async function giveUntilKilled(
  url: string,
  headers: Headers,
  to: string,
  round: string,
  writers: number,
  acknowledged: Set<string>,
): Promise<string[]> {
  const giveOn = async (writer: number) => {
    for (let i = 0; ; i++) {
      const key = `${round}-${writer}-${i}`;
      try {
        acknowledged.add(await give(url, headers, to, key));
      } catch {
        return key;
      }
    }
  };
  return Promise.all(Array.from({ length: writers }, (_, writer) => giveOn(writer)));
}

async function faultsIn(
  url: string,
  admin: Headers,
  tasks: Set<string>,
  ear: Ear,
  mails: MailServer,
): Promise<string[]> {
  const links = () => ear.notifications.map(({ payload }) => payload.link as string);
  const mailed = () => Map.groupBy(mails.taken, ({ mail }) => taskIn(mail.text ?? ""));
  const isQuiet = async () => links().length >= tasks.size && mailed().size >= tasks.size;
  await settled(isQuiet);
  const activities = await walk(url, admin, "activities?filter[entity_type]=task");
  const notifications = await walk(url, ear.headers, "notifications?");
  const byTask = Map.groupBy(activities, ({ entity_id }) => entity_id as string);
  const told = Map.groupBy(notifications, ({ link }) => link as string);
  const heard = Map.groupBy(links(), (link) => link);
  const byMail = mailed();
  const faults: string[] = [];
  for (const id of tasks) {
    const link = `/tasks/${id}`;
    const counts = {
      activities: byTask.get(id)?.length ?? 0,
      notifications: told.get(link)?.length ?? 0,
      frames: heard.get(link)?.length ?? 0,
      "ids of mails": new Set(byMail.get(id)?.map(({ mail }) => mail.messageId)).size,
    };
    for (const [what, count] of Object.entries(counts)) {
      if (count !== 1) faults.push(`${link}: ${count} ${what}`);
    }
  }
  const { numbers } = ear;
  if (numbers.some((number, i) => number !== i + 1)) faults.push(`frames out of order: ${numbers.join()}`);
  return faults;
}

/** Mails whose process was killed come when its lease is over. */
async function settled(isSo: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + 180_000;
  while (!(await isSo()) && performance.now() < giveUpAt) await Bun.sleep(50);
}

const taskIn = (text: string) => /\/tasks\/([0-9a-f-]{36})/.exec(text)?.[1] ?? "none";

async function post(url: string, path: string, headers: Headers, body: object) {
  const response = await fetch(`${url}/api/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  if (response.status !== 201) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Record<string, unknown>;
}

async function walk(url: string, headers: Headers, path: string) {
  const found: Record<string, unknown>[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const response = await fetch(`${url}/api/${path}&limit=200&count=none${cursor && `&cursor=${cursor}`}`, {
      headers,
    });
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    const { data, pagination } = (await response.json()) as {
      data: Record<string, unknown>[];
      pagination: { next_cursor: string | null };
    };
    found.push(...data);
    cursor = pagination.next_cursor;
  }
  return found;
}
