import { now } from "../../clock";

/** A message to one person, in plain text and in HTML. */
export interface Message {
  /** Names the message: sent again, it has the same Message-ID, by which programs know it as the same one. */
  id: string;
  to: { name: string; address: string };
  subject: string;
  text: string;
  html: string;
}

/** Where messages go out. */
export interface Mail {
  /**
   * Resolves once the message is safe with whoever delivers it. May take a minute, so nobody waits for it inside a
   * transaction or before an answer.
   * @throws Undeliverable when it is refused for good, NotTaken when the mail server did not take it this time; whatever else is
   * thrown may be over by the next time too
   */
  send(message: Message): Promise<void>;
  /** Ends what is open between two messages. */
  close?(): void;
}

/** The message is refused for good: nobody has this address, or it is not taken for another reason that will last. */
export class Undeliverable extends Error {
  override name = "Undeliverable";
}

/** The mail server did not take the message, or was not to be reached, which may be over by the next time: what was said of it. */
export class NotTaken extends Error {
  override name = "NotTaken";
}

/** A message as nodemailer writes it (RFC 5322). */
export const written = (from: string, { id, to, subject, text, html }: Message) => ({
  ...{ from: { name: "Neo CRM", address: from }, to, subject, text, html },
  // What somebody chose as their name must never make a message read files or fetch URLs.
  ...{ disableFileAccess: true, disableUrlAccess: true },
  date: new Date(now()),
  messageId: `<${id}@${from.slice(from.lastIndexOf("@") + 1)}>`,
});
