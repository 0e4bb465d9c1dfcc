CREATE TABLE `job_inputs` (
	`job_id` text NOT NULL,
	`part` integer NOT NULL,
	`bytes` blob NOT NULL,
	FOREIGN KEY (`job_id`) REFERENCES `jobs`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `job_inputs_in_order` ON `job_inputs` (`job_id`,`part`);--> statement-breakpoint
CREATE TABLE `job_problems` (
	`id` text PRIMARY KEY NOT NULL,
	`job_id` text NOT NULL,
	`line` integer,
	`record_id` text,
	`field` text,
	`code` text NOT NULL,
	`message` text NOT NULL,
	`row` text,
	FOREIGN KEY (`job_id`) REFERENCES `jobs`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `job_problems_by_job` ON `job_problems` (`job_id`,`id`);--> statement-breakpoint
ALTER TABLE `events` ADD `job_id` text;--> statement-breakpoint
CREATE INDEX `events_by_job` ON `events` (`job_id`,`id`) WHERE job_id is not null;--> statement-breakpoint
ALTER TABLE `jobs` ADD `result` text;