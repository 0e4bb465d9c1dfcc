CREATE INDEX "email_verifications_by_expiry" ON "email_verifications" USING btree ("expires_at") WHERE verified_at is null;--> statement-breakpoint
CREATE INDEX "invitations_by_expiry" ON "invitations" USING btree ("expires_at") WHERE accepted_at is null;--> statement-breakpoint
CREATE INDEX "password_resets_by_expiry" ON "password_resets" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "tasks_of_client" ON "tasks" USING btree ("client_id") WHERE client_id is not null;