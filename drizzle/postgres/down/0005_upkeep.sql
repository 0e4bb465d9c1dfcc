DROP INDEX "tasks_of_client";
--> statement-breakpoint
DROP INDEX "password_resets_by_expiry";
--> statement-breakpoint
DROP INDEX "invitations_by_expiry";
--> statement-breakpoint
DROP INDEX "email_verifications_by_expiry";
