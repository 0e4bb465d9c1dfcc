import { hour, minute, now } from "../clock";
import type { Session, Store } from "../db/store";
import { isAlwaysOn, notificationTypes } from "../features/notifications/types";
import { account } from "../features/users/accounts";
import type { Seal } from "../http/seal";
import { NotTaken, Undeliverable, type Mail } from "../integrations/mail/mail";
import { GiveUp, TryAgain, type JobKind, type RunningJob } from "../jobs/job";
import type { Links } from "../links";
import { mailJob, type MailPayload, type Recipient } from "./queue";
import type { TemplateValues } from "./samples";
import type { Templates } from "./templates";

/** What sending mails depends on. */
export interface MailKindOptions {
  store: Store;
  mail: Mail;
  templates: Templates;
  links: Links;
  seal: Seal;
  /** Whether people get mails about what happens, besides those about their account. */
  tellsByMail: () => boolean;
}

/** Doubled from a minute on: 17 attempts take a day and four hours, and a day where chance makes the pauses shorter. */
const longestPause = 3 * hour;
const attempts = 17;

/**
 * Sends the mails in the queue. One that cannot be sent is tried for a day, always under the same Message-ID; one that is
 * refused for good, or says what is no longer true, is given up at once.
 */
export const mailKind = (options: MailKindOptions): JobKind => ({
  name: mailJob,
  attempts,
  backoff: (attempt) => Math.min(minute * 2 ** (attempt - 1), longestPause),
  async run(job) {
    const { template, to, until, ...payload } = job.payload as MailPayload;
    if (until !== undefined && until <= now()) throw new GiveUp("It came too late: what it says is over.");
    if (isOptional(template) && !options.tellsByMail()) return;
    const person = await recipient(options.store.read, to);
    // Nobody is left to read it.
    if (!person) return;
    const values = { ...payload.values, ...opened(options.seal, payload.sealed), name: person.name };
    const rendered = await options.templates.render(template, withUrl(options.links, values));
    await untilAborted(job, () => options.mail.send({ id: job.id, to: person, ...rendered }));
  },
});

/** What people can do without: they see it in their list as well. */
const isOptional = (template: MailPayload["template"]) =>
  notificationTypes.some((type) => type === template && !isAlwaysOn(type));

async function recipient(
  session: Session,
  to: Recipient,
): Promise<{ name: string; address: string } | undefined> {
  if ("address" in to) return to;
  const user = await account(session, to.userId);
  return user?.is_active ? { name: user.full_name, address: user.email } : undefined;
}

function opened(seal: Seal, sealed: string | undefined): TemplateValues {
  if (sealed === undefined) return {};
  try {
    return JSON.parse(seal.open(sealed)) as TemplateValues;
  } catch (error) {
    const failure = new GiveUp("It was sealed with a secret that is no longer known.");
    failure.cause = error;
    throw failure;
  }
}

/** Links lead to a page of the web client; a mail needs the whole address. */
function withUrl(links: Links, values: TemplateValues): TemplateValues {
  const { link = null } = values;
  return typeof link === "string" && link.startsWith("/")
    ? { ...values, url: links.to(link) }
    : { url: null, ...values };
}

/** What the mail server was told cannot be taken back, but nobody waits for it: the mail goes out again, as the same one. */
async function untilAborted({ signal }: RunningJob, send: () => Promise<void>): Promise<void> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    await Promise.race([send(), aborted.promise]);
  } catch (error) {
    if (error instanceof Undeliverable) throw new GiveUp(error.message, { cause: error });
    if (error instanceof NotTaken) throw new TryAgain(error.message, { cause: error });
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
