import type { Session } from "../../db/store";
import type { Seal } from "../../http/seal";
import { addMail, type NewMail } from "../../mails/queue";

/** A mail with a link that works once, and the token in it for programs. */
export interface LinkMail extends Pick<NewMail, "template" | "to" | "values"> {
  token: string;
  /** The address of the page that takes the token. */
  link: string;
  /** When the link is no longer good, in milliseconds since 1970: it is not sent after that. */
  until: number;
}

/** Sends such a mail once the transaction has committed. The link is sealed: nobody who reads the queue can use it. */
export const addLinkMail = (
  session: Session,
  seal: Seal,
  { link, token, ...mail }: LinkMail,
): Promise<void> => addMail(session, { ...mail, sealed: seal.close(JSON.stringify({ link, token })) });
