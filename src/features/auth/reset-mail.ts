import type { Message } from "../../integrations/mail/mail";
import { linkMail } from "./link-mail";

/** Why somebody gets a link: they forgot their password, or have none yet. */
export type Reason = "forgotten" | "invited";

/** What a message with such a link needs to know. */
export interface ResetLink {
  to: { full_name: string; email: string };
  reason: Reason;
  link: string;
  token: string;
  /** How long it is good for. */
  minutes: number;
}

const openings = {
  forgotten: {
    subject: "Choose a new password for Neo CRM",
    begin: "somebody, most likely you, asked for a new password for your account in Neo CRM.",
    end: "If it was not you, do nothing: your password stays as it is.",
  },
  invited: {
    subject: "Your account in Neo CRM",
    begin: "an account in Neo CRM was made for you.",
    end: 'Later, ask for another link with "forgot password" where you sign in.',
  },
};

/** The message with the link to choose a password. */
export const resetMail = ({ reason, minutes, ...link }: ResetLink): Message =>
  linkMail({
    ...{ ...openings[reason], ...link },
    within: `Choose your password here; the link works once, within ${minutes} minutes:`,
    endpoint: "POST /api/auth/password/reset",
  });
