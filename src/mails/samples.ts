import type { NotificationType } from "../features/notifications/types";
import type { MailTemplate } from "./names";

/** What a template is rendered with. */
export type TemplateValues = Readonly<Record<string, string | number | null>>;

const name = "Ada Lovelace";
const [host, id] = ["https://crm.example.com", "01941f29-7c00-7000-8000-000000000001"];
const token = "y0Vd7m8s1iQKXzvR3bNpLwTgHcJfAeUo5k2x4CtYq9E";

const told = (title: string, message: string, link: string | null): TemplateValues => ({
  ...{ name, title, message, link, url: link && host + link },
});

const [task, client, file] = [`/tasks/${id}`, `/clients/${id}`, `/files/${id}`];
const linked = (page: string) => ({ name, link: `${host}/${page}?token=${token}`, token });

const toldOf: Record<NotificationType, TemplateValues> = {
  task_assigned: told("A task for you: Call Bjørn & Søn", "Lan Nguyen assigned it to you.", task),
  task_unassigned: told("A task is no longer yours", "Lan Nguyen assigned it to somebody else.", task),
  task_due_soon: told("Due soon: Call Bjørn", "It is due 2026-05-04 09:00.", task),
  task_overdue: told("Overdue: Call Bjørn", "It was due 2026-05-04 09:00.", task),
  task_completed: told("Done: Call Bjørn", "Lan Nguyen completed it.", task),
  task_reminder: told("Remember: Call Bjørn", "It is due 2026-05-04 09:00.", task),
  client_assigned: told("A client for you: Hansen & Sønner", "Lan Nguyen assigned it to you.", client),
  client_changed: told("Changed: Hansen & Sønner", "Lan Nguyen changed it.", client),
  file_shared: told("Shared: Offer.pdf", "Lan Nguyen made a link to it for people outside.", file),
  mention: told("Lan Nguyen mentioned you: Hansen & Sønner", "@ada@example.com, call <them> back?", client),
  job_finished: told("Your import is finished", "240 added, 3 refused.", `/jobs/${id}`),
  backup_failed: told("The backup has failed", "No backup could be made: the disk is full.", null),
  security: told("Your password was changed", "If it was not you, tell an admin.", null),
};

/** Values that look right, with everything in them that each template may use: for previews and for checks. */
export const samples: Record<MailTemplate, TemplateValues> = {
  ...toldOf,
  password_reset: { ...linked("reset-password"), minutes: 60 },
  account_created: { ...linked("reset-password"), minutes: 60 },
  invitation: { ...linked("accept-invitation"), name: "", inviter: "Grace Hopper", days: 7 },
  verify_email: { ...linked("verify-email"), days: 3 },
};
