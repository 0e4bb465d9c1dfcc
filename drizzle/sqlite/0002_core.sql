CREATE TABLE `password_resets` (
	`hash` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `password_resets_by_user` ON `password_resets` (`user_id`);--> statement-breakpoint
CREATE TABLE `settings` (
	`id` text PRIMARY KEY NOT NULL,
	`key` text NOT NULL,
	`value` text,
	`updated_by` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	FOREIGN KEY (`updated_by`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `settings_key` ON `settings` (`key`);--> statement-breakpoint
CREATE TABLE `tasks` (
	`id` text PRIMARY KEY NOT NULL,
	`external_id` text,
	`external_id_key` text,
	`title` text NOT NULL,
	`title_key` text NOT NULL,
	`description` text,
	`status` text NOT NULL,
	`priority` text NOT NULL,
	`priority_key` integer NOT NULL,
	`assigned_to` text,
	`client_id` text,
	`due_date` integer,
	`remind_at` integer,
	`recurrence` text,
	`completed_at` integer,
	`created_by` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`deleted_at` integer,
	`version` integer DEFAULT 1 NOT NULL,
	FOREIGN KEY (`assigned_to`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`client_id`) REFERENCES `clients`(`id`) ON UPDATE no action ON DELETE set null,
	FOREIGN KEY (`created_by`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `tasks_external_id` ON `tasks` (`external_id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `tasks_by_external_id` ON `tasks` (`external_id_key`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `tasks_by_title` ON `tasks` (`title_key`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `tasks_by_status` ON `tasks` (`status`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `tasks_by_priority` ON `tasks` (`priority_key`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `tasks_by_due_date` ON `tasks` (`due_date`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `tasks_by_completion` ON `tasks` (`completed_at`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `tasks_by_creation` ON `tasks` (`created_at`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `tasks_by_update` ON `tasks` (`updated_at`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `tasks_by_status_creation` ON `tasks` (`status`,`created_at`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `tasks_by_assignee` ON `tasks` (`assigned_to`,`created_at`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `tasks_by_assignee_due_date` ON `tasks` (`assigned_to`,`due_date`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `tasks_by_client` ON `tasks` (`client_id`,`created_at`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `tasks_by_creator` ON `tasks` (`created_by`,`created_at`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `tasks_by_deletion` ON `tasks` (`created_at`,`id`) WHERE deleted_at is not null;--> statement-breakpoint
CREATE INDEX `tasks_by_state` ON `tasks` (`status`,`priority_key`,`due_date`,`assigned_to`) WHERE deleted_at is null;--> statement-breakpoint
DROP INDEX `clients_by_phone`;--> statement-breakpoint
CREATE INDEX `clients_by_external_id` ON `clients` (`external_id_key`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `clients_by_phone` ON `clients` (`phone_key`,`id`) WHERE deleted_at is null;--> statement-breakpoint
DROP INDEX `sessions_by_user`;--> statement-breakpoint
CREATE INDEX `sessions_by_use` ON `sessions` (`user_id`,`last_used_at`,`id`);--> statement-breakpoint
CREATE INDEX `sessions_by_user` ON `sessions` (`user_id`,`created_at`,`id`);--> statement-breakpoint
ALTER TABLE `users` ADD `email_key` text DEFAULT '' NOT NULL;--> statement-breakpoint
CREATE INDEX `users_by_email` ON `users` (`email_key`,`id`);--> statement-breakpoint
CREATE INDEX `users_by_creation` ON `users` (`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `users_by_update` ON `users` (`updated_at`,`id`);--> statement-breakpoint
CREATE INDEX `users_by_activity_name` ON `users` (`is_active`,`full_name_key`,`id`);--> statement-breakpoint
CREATE INDEX `users_by_activity_email` ON `users` (`is_active`,`email_key`,`id`);--> statement-breakpoint
CREATE INDEX `users_by_activity_creation` ON `users` (`is_active`,`created_at`,`id`);
--> statement-breakpoint
-- Right for every address without accents; the others follow when their account changes next.
UPDATE `users` SET `email_key` = `email_normal`;
--> statement-breakpoint
INSERT INTO `grants` (`id`, `role_id`, `permission`, `scope`) VALUES
	('01941f29-7c00-7000-8000-000000000108', '01941f29-7c00-7000-8000-000000000001', 'tasks.read', 'all'),
	('01941f29-7c00-7000-8000-000000000109', '01941f29-7c00-7000-8000-000000000001', 'tasks.create', 'all'),
	('01941f29-7c00-7000-8000-00000000010a', '01941f29-7c00-7000-8000-000000000001', 'tasks.update', 'all'),
	('01941f29-7c00-7000-8000-00000000010b', '01941f29-7c00-7000-8000-000000000001', 'tasks.delete', 'all'),
	('01941f29-7c00-7000-8000-00000000010c', '01941f29-7c00-7000-8000-000000000001', 'users.read', 'all'),
	('01941f29-7c00-7000-8000-00000000010d', '01941f29-7c00-7000-8000-000000000001', 'users.email', 'all'),
	('01941f29-7c00-7000-8000-00000000010e', '01941f29-7c00-7000-8000-000000000001', 'monitoring.read', 'all'),
	('01941f29-7c00-7000-8000-000000000205', '01941f29-7c00-7000-8000-000000000002', 'tasks.read', 'all'),
	('01941f29-7c00-7000-8000-000000000206', '01941f29-7c00-7000-8000-000000000002', 'tasks.create', 'all'),
	('01941f29-7c00-7000-8000-000000000207', '01941f29-7c00-7000-8000-000000000002', 'tasks.update', 'all'),
	('01941f29-7c00-7000-8000-000000000208', '01941f29-7c00-7000-8000-000000000002', 'tasks.delete', 'all'),
	('01941f29-7c00-7000-8000-000000000209', '01941f29-7c00-7000-8000-000000000002', 'users.read', 'all'),
	('01941f29-7c00-7000-8000-00000000020a', '01941f29-7c00-7000-8000-000000000002', 'users.email', 'all'),
	('01941f29-7c00-7000-8000-000000000305', '01941f29-7c00-7000-8000-000000000003', 'tasks.read', 'own'),
	('01941f29-7c00-7000-8000-000000000306', '01941f29-7c00-7000-8000-000000000003', 'tasks.create', 'all'),
	('01941f29-7c00-7000-8000-000000000307', '01941f29-7c00-7000-8000-000000000003', 'tasks.update', 'own'),
	('01941f29-7c00-7000-8000-000000000308', '01941f29-7c00-7000-8000-000000000003', 'tasks.delete', 'own'),
	('01941f29-7c00-7000-8000-000000000309', '01941f29-7c00-7000-8000-000000000003', 'users.read', 'all')
ON CONFLICT DO NOTHING;
