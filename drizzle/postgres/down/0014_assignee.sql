DROP INDEX "clients_by_assignee";--> statement-breakpoint
CREATE INDEX "clients_by_assignee" ON "clients" USING btree ("assigned_to","created_at","id") WHERE deleted_at is null;
