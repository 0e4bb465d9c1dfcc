import { notificationTypes } from "../features/notifications/types";

/** Every mail there is: one for each type of notification, and those with a link that works once. */
export const mailTemplates = [
  ...notificationTypes,
  "password_reset",
  "account_created",
  "invitation",
  "verify_email",
] as const;
/** One of `mailTemplates`. */
export type MailTemplate = (typeof mailTemplates)[number];
