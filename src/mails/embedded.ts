/** The templates as they lie in the executable. */
import layoutText from "./templates/layout.text.liquid" with { type: "text" };
import layoutHtml from "./templates/layout.html.liquid" with { type: "text" };
import taskAssignedText from "./templates/task_assigned.text.liquid" with { type: "text" };
import taskAssignedHtml from "./templates/task_assigned.html.liquid" with { type: "text" };
import taskUnassignedText from "./templates/task_unassigned.text.liquid" with { type: "text" };
import taskUnassignedHtml from "./templates/task_unassigned.html.liquid" with { type: "text" };
import taskDueSoonText from "./templates/task_due_soon.text.liquid" with { type: "text" };
import taskDueSoonHtml from "./templates/task_due_soon.html.liquid" with { type: "text" };
import taskOverdueText from "./templates/task_overdue.text.liquid" with { type: "text" };
import taskOverdueHtml from "./templates/task_overdue.html.liquid" with { type: "text" };
import taskCompletedText from "./templates/task_completed.text.liquid" with { type: "text" };
import taskCompletedHtml from "./templates/task_completed.html.liquid" with { type: "text" };
import taskReminderText from "./templates/task_reminder.text.liquid" with { type: "text" };
import taskReminderHtml from "./templates/task_reminder.html.liquid" with { type: "text" };
import clientAssignedText from "./templates/client_assigned.text.liquid" with { type: "text" };
import clientAssignedHtml from "./templates/client_assigned.html.liquid" with { type: "text" };
import clientChangedText from "./templates/client_changed.text.liquid" with { type: "text" };
import clientChangedHtml from "./templates/client_changed.html.liquid" with { type: "text" };
import fileSharedText from "./templates/file_shared.text.liquid" with { type: "text" };
import fileSharedHtml from "./templates/file_shared.html.liquid" with { type: "text" };
import mentionText from "./templates/mention.text.liquid" with { type: "text" };
import mentionHtml from "./templates/mention.html.liquid" with { type: "text" };
import backupFailedText from "./templates/backup_failed.text.liquid" with { type: "text" };
import backupFailedHtml from "./templates/backup_failed.html.liquid" with { type: "text" };
import jobFinishedText from "./templates/job_finished.text.liquid" with { type: "text" };
import jobFinishedHtml from "./templates/job_finished.html.liquid" with { type: "text" };
import securityText from "./templates/security.text.liquid" with { type: "text" };
import securityHtml from "./templates/security.html.liquid" with { type: "text" };
import passwordResetText from "./templates/password_reset.text.liquid" with { type: "text" };
import passwordResetHtml from "./templates/password_reset.html.liquid" with { type: "text" };
import accountCreatedText from "./templates/account_created.text.liquid" with { type: "text" };
import accountCreatedHtml from "./templates/account_created.html.liquid" with { type: "text" };
import invitationText from "./templates/invitation.text.liquid" with { type: "text" };
import invitationHtml from "./templates/invitation.html.liquid" with { type: "text" };
import verifyEmailText from "./templates/verify_email.text.liquid" with { type: "text" };
import verifyEmailHtml from "./templates/verify_email.html.liquid" with { type: "text" };

/** Every template by its name, such as `task_assigned.html`. */
export const embeddedTemplates: Readonly<Record<string, string>> = {
  "layout.text": layoutText,
  "layout.html": layoutHtml,
  "task_assigned.text": taskAssignedText,
  "task_assigned.html": taskAssignedHtml,
  "task_unassigned.text": taskUnassignedText,
  "task_unassigned.html": taskUnassignedHtml,
  "task_due_soon.text": taskDueSoonText,
  "task_due_soon.html": taskDueSoonHtml,
  "task_overdue.text": taskOverdueText,
  "task_overdue.html": taskOverdueHtml,
  "task_completed.text": taskCompletedText,
  "task_completed.html": taskCompletedHtml,
  "task_reminder.text": taskReminderText,
  "task_reminder.html": taskReminderHtml,
  "client_assigned.text": clientAssignedText,
  "client_assigned.html": clientAssignedHtml,
  "client_changed.text": clientChangedText,
  "client_changed.html": clientChangedHtml,
  "file_shared.text": fileSharedText,
  "file_shared.html": fileSharedHtml,
  "mention.text": mentionText,
  "mention.html": mentionHtml,
  "backup_failed.text": backupFailedText,
  "backup_failed.html": backupFailedHtml,
  "job_finished.text": jobFinishedText,
  "job_finished.html": jobFinishedHtml,
  "security.text": securityText,
  "security.html": securityHtml,
  "password_reset.text": passwordResetText,
  "password_reset.html": passwordResetHtml,
  "account_created.text": accountCreatedText,
  "account_created.html": accountCreatedHtml,
  "invitation.text": invitationText,
  "invitation.html": invitationHtml,
  "verify_email.text": verifyEmailText,
  "verify_email.html": verifyEmailHtml,
};
