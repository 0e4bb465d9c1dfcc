/** A message to one person, in plain text and in HTML. */
export interface Message {
  to: { name: string; address: string };
  subject: string;
  text: string;
  html: string;
}

/** Where messages go out. */
export interface Mail {
  /**
   * Resolves once the message is safe with whoever delivers it. May take seconds, so nobody waits for it inside a
   * transaction or before an answer.
   */
  send(message: Message): Promise<void>;
}
