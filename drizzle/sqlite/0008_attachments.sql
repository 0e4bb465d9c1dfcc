CREATE INDEX `files_of_client` ON `files` (`client_id`) WHERE client_id is not null;--> statement-breakpoint
CREATE INDEX `files_of_task` ON `files` (`task_id`) WHERE task_id is not null;