import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import PostalMime, { type Email } from "postal-mime";
import type { TestServer } from "./servers";

/** The messages in a server's outbox, in the order in which they were sent, once nothing goes on any more. */
export async function outboxOf({ parts, dataDir }: TestServer): Promise<Email[]> {
  await parts.background.settled();
  return messagesIn(dataDir);
}

/** The messages in the outbox of a data directory, in the order in which they were sent. */
export function messagesIn(dataDir: string): Promise<Email[]> {
  const folder = join(dataDir, "outbox");
  const files = existsSync(folder) ? readdirSync(folder).toSorted() : [];
  return Promise.all(files.map((file) => PostalMime.parse(readFileSync(join(folder, file)))));
}

/** The messages to one address. */
export const mailsTo = async (server: TestServer, address: string): Promise<Email[]> =>
  (await outboxOf(server)).filter(({ to }) => to?.some((one) => one.address === address));

/** The token in a message with a link to choose a password. */
export function tokenIn({ text }: Email): string {
  const [, token] = /\/reset-password\?token=([\w-]+)$/m.exec(text ?? "") ?? [];
  if (token === undefined) throw new Error(`no link in: ${text}`);
  return token;
}
