import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { and, eq, lte, or } from "drizzle-orm";
import PostalMime, { type Email } from "postal-mime";
import { now } from "../../src/clock";
import type { JobRow, RunningJob } from "../../src/jobs/job";
import { mailJob } from "../../src/mails/queue";
import { eventually } from "./notifier";
import type { TestServer } from "./servers";

/** The messages in a server's outbox, in the order in which they were sent, once nothing goes on any more. */
export async function outboxOf(server: TestServer): Promise<Email[]> {
  await server.parts.background.settled();
  await mailsTried(server);
  return messagesIn(server.dataDir);
}

/** Waits until every mail that is due was sent, or tried. */
export const mailsTried = ({ parts: { store } }: TestServer): Promise<void> =>
  eventually(async () => {
    const { q, t } = store.read;
    const isDue = or(eq(t.jobs.state, "running"), and(eq(t.jobs.state, "queued"), lte(t.jobs.run_at, now())));
    const due = await q
      .select({ id: t.jobs.id })
      .from(t.jobs)
      .where(and(eq(t.jobs.kind, mailJob), isDue))
      .limit(1);
    return due.length === 0;
  });

/** Makes those due that were tried in vain. */
export const hasten = ({ parts: { store } }: TestServer): Promise<unknown> =>
  store.tx(({ q, t }) => q.update(t.jobs).set({ run_at: now() }).where(eq(t.jobs.state, "queued")));

/** A job as its kind gets it in a first attempt. */
export const running = (
  job: Pick<JobRow, "id" | "payload">,
  signal = new AbortController().signal,
): RunningJob => ({
  ...{ id: job.id, payload: job.payload, attempt: 1, createdBy: null, signal },
  reached: {},
  progress: async () => {},
  advance: async () => ({}),
  finish: async () => {},
});

/** The messages in the outbox of a data directory, in the order in which they were sent. */
export function messagesIn(dataDir: string): Promise<Email[]> {
  const folder = join(dataDir, "outbox");
  const files = existsSync(folder) ? readdirSync(folder).toSorted() : [];
  return Promise.all(files.map((file) => PostalMime.parse(readFileSync(join(folder, file)))));
}

/** The messages to one address. */
export const mailsTo = async (server: TestServer, address: string): Promise<Email[]> =>
  (await outboxOf(server)).filter(({ to }) => to?.some((one) => one.address === address));

/** The tokens that the examples of the document need: who gets them by mail, and for which page. */
export const mailedTokens: Readonly<Record<string, { to: string; page: string }>> = {
  reset_token: { to: "ada@example.com", page: "reset-password" },
  invitation_token: { to: "hedy@example.com", page: "accept-invitation" },
  verification_token: { to: "grace@example.com", page: "verify-email" },
};

/** The token in the newest of these messages that went to `to` with a link to `page`; `undefined` without one. */
export function newestToken(
  messages: Email[],
  { to, page }: { to: string; page: string },
): string | undefined {
  const isMeant = (mail: Email) =>
    mail.to?.some(({ address }) => address === to) && mail.text?.includes(`/${page}?`);
  const found = messages.findLast(isMeant);
  return found && tokenIn(found, page);
}

/** The token in a message with a link, by default that to choose a password. */
export function tokenIn({ text }: Email, page = "reset-password"): string {
  const [, token] = new RegExp(`/${page}\\?token=([\\w-]+)$`, "m").exec(text ?? "") ?? [];
  if (token === undefined) throw new Error(`no link in: ${text}`);
  return token;
}
