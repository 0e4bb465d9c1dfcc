CREATE TABLE `file_shares` (
	`id` text PRIMARY KEY NOT NULL,
	`file_id` text NOT NULL,
	`hash` text NOT NULL,
	`created_by` text NOT NULL,
	`password_hash` text,
	`expires_at` integer,
	`max_downloads` integer,
	`downloads` integer DEFAULT 0 NOT NULL,
	`view_only` integer NOT NULL,
	`created_at` integer NOT NULL,
	`revoked_at` integer,
	FOREIGN KEY (`file_id`) REFERENCES `files`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`created_by`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `file_shares_hash` ON `file_shares` (`hash`);--> statement-breakpoint
CREATE INDEX `file_shares_by_file` ON `file_shares` (`file_id`,`created_at`,`id`);