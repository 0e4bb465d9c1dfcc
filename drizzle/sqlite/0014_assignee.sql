DROP INDEX `clients_by_assignee`;--> statement-breakpoint
CREATE INDEX `clients_by_assignee` ON `clients` (`assigned_to`,`created_at`,`id`,`status`) WHERE deleted_at is null;