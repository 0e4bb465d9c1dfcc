import type { Message } from "../../integrations/mail/mail";

/** What a message with a link that works once needs to know. */
export interface LinkMail {
  to: { full_name: string; email: string };
  subject: string;
  /** Why they get it. */
  begin: string;
  /** What the link is for, and for how long it is good. */
  within: string;
  link: string;
  token: string;
  /** The endpoint that takes the token from a program, with its method. */
  endpoint: string;
  /** What else there is to say. */
  end: string;
}

/** The message with the link; programs take the token from it. */
export function linkMail({ to, subject, begin, within, link, token, endpoint, end }: LinkMail): Message {
  const program = `In a program, send this token to ${endpoint}:`;
  const hello = to.full_name === "" ? "Hello," : `Hello ${to.full_name},`;
  const html = [
    Bun.escapeHTML(hello),
    Bun.escapeHTML(begin),
    `${within}<br><a href="${Bun.escapeHTML(link)}">${Bun.escapeHTML(link)}</a>`,
    `${program}<br><code>${token}</code>`,
    end,
  ];
  return {
    to: { name: to.full_name, address: to.email },
    subject,
    text: `${hello}\n\n${begin}\n\n${within}\n${link}\n\n${program}\n${token}\n\n${end}\n`,
    html: html.map((paragraph) => `<p>${paragraph}</p>\n`).join(""),
  };
}
