import type { Session } from "../db/store";
import { addJob } from "../jobs/queue";
import type { MailTemplate } from "./names";

/** The name of the job that sends a mail. */
export const mailJob = "mail";

/** Whom a mail goes to: the owner of an account, at the address that they have then, or whoever has an address. */
export type Recipient = { userId: string } | { name: string; address: string };

/** A mail to be sent. */
export interface NewMail {
  template: MailTemplate;
  to: Recipient;
  /** What the template says, besides the recipient's `name`. No secrets: the queue shows them. */
  values: Record<string, string | number | null>;
  /** Values that nobody may read in a copy of the database, such as links that work once: JSON, closed with the seal. */
  sealed?: string;
  /** Not sent after this instant, in milliseconds since 1970: what it says would not be true any more. */
  until?: number;
}

/** What stands in a mail's job. */
export type MailPayload = NewMail & Record<string, unknown>;

/** Sends a mail once the transaction has committed: before other work that waits, as somebody may wait for it. */
export async function addMail(session: Session, mail: NewMail): Promise<void> {
  await addJob(session, { kind: mailJob, payload: { ...mail }, priority: 10 });
}
