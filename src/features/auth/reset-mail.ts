import type { Message } from "../../integrations/mail/mail";

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

/** The message with the link to choose a password; programs take the token from it. */
export function resetMail({ to, reason, link, token, minutes }: ResetLink): Message {
  const { subject, begin, end } = openings[reason];
  const within = `Choose your password here; the link works once, within ${minutes} minutes:`;
  const program = "In a program, send this token to POST /api/auth/password/reset:";
  const html = [
    `Hello ${Bun.escapeHTML(to.full_name)},`,
    begin,
    `${within}<br><a href="${Bun.escapeHTML(link)}">${Bun.escapeHTML(link)}</a>`,
    `${program}<br><code>${token}</code>`,
    end,
  ];
  return {
    to: { name: to.full_name, address: to.email },
    subject,
    text: `Hello ${to.full_name},\n\n${begin}\n\n${within}\n${link}\n\n${program}\n${token}\n\n${end}\n`,
    html: html.map((paragraph) => `<p>${paragraph}</p>\n`).join(""),
  };
}
