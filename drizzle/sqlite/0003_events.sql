CREATE TABLE `consumers` (
	`name` text PRIMARY KEY NOT NULL,
	`position` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `email_verifications` (
	`hash` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`email_normal` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`verified_at` integer,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `email_verifications_by_user` ON `email_verifications` (`user_id`);--> statement-breakpoint
CREATE TABLE `invitations` (
	`id` text PRIMARY KEY NOT NULL,
	`hash` text NOT NULL,
	`email` text NOT NULL,
	`email_normal` text NOT NULL,
	`full_name` text,
	`role_id` text NOT NULL,
	`invited_by` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`accepted_at` integer,
	`version` integer DEFAULT 1 NOT NULL,
	FOREIGN KEY (`role_id`) REFERENCES `roles`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`invited_by`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `invitations_hash` ON `invitations` (`hash`);--> statement-breakpoint
CREATE INDEX `invitations_by_email` ON `invitations` (`email_normal`);--> statement-breakpoint
CREATE TABLE `jobs` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`key` text,
	`payload` text NOT NULL,
	`state` text NOT NULL,
	`priority` integer NOT NULL,
	`attempts` integer NOT NULL,
	`run_at` integer NOT NULL,
	`leased_until` integer,
	`lease_id` text,
	`error` text,
	`progress` text,
	`created_by` text,
	`created_at` integer NOT NULL,
	`finished_at` integer,
	FOREIGN KEY (`created_by`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `jobs_key` ON `jobs` (`key`) WHERE state in ('queued', 'running');--> statement-breakpoint
CREATE INDEX `jobs_due` ON `jobs` (`priority`,`run_at`,`id`) WHERE state = 'queued';--> statement-breakpoint
CREATE INDEX `jobs_leased` ON `jobs` (`leased_until`) WHERE state = 'running';--> statement-breakpoint
CREATE INDEX `jobs_by_state` ON `jobs` (`state`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `jobs_by_creation` ON `jobs` (`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `jobs_by_creator` ON `jobs` (`created_by`,`created_at`,`id`);--> statement-breakpoint
CREATE TABLE `notification_counters` (
	`user_id` text PRIMARY KEY NOT NULL,
	`last_number` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `notification_preferences` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`type` text NOT NULL,
	`in_app` integer NOT NULL,
	`websocket` integer NOT NULL,
	`sse` integer NOT NULL,
	`mail` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `notification_preferences_by_type` ON `notification_preferences` (`user_id`,`type`);--> statement-breakpoint
CREATE TABLE `notifications` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`number` integer NOT NULL,
	`type` text NOT NULL,
	`title` text NOT NULL,
	`message` text NOT NULL,
	`link` text,
	`fold_key` text NOT NULL,
	`in_app` integer NOT NULL,
	`websocket` integer NOT NULL,
	`sse` integer NOT NULL,
	`is_read` integer NOT NULL,
	`read_at` integer,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `notifications_by_number` ON `notifications` (`user_id`,`number`);--> statement-breakpoint
CREATE INDEX `notifications_by_creation` ON `notifications` (`user_id`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `notifications_by_reading` ON `notifications` (`user_id`,`is_read`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `notifications_by_fold` ON `notifications` (`user_id`,`fold_key`,`created_at`);--> statement-breakpoint
CREATE TABLE `schedules` (
	`name` text PRIMARY KEY NOT NULL,
	`next_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `task_alarms` (
	`id` text PRIMARY KEY NOT NULL,
	`task_id` text NOT NULL,
	`kind` text NOT NULL,
	`at` integer NOT NULL,
	FOREIGN KEY (`task_id`) REFERENCES `tasks`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `task_alarms_by_task` ON `task_alarms` (`task_id`,`kind`);--> statement-breakpoint
CREATE INDEX `task_alarms_by_time` ON `task_alarms` (`at`);--> statement-breakpoint
CREATE TABLE `tickets` (
	`hash` text PRIMARY KEY NOT NULL,
	`session_id` text NOT NULL,
	`user_id` text NOT NULL,
	`auth_version` integer NOT NULL,
	`purpose` text NOT NULL,
	`resource_id` text,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`used_at` integer,
	FOREIGN KEY (`session_id`) REFERENCES `sessions`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `tickets_by_expiry` ON `tickets` (`expires_at`);--> statement-breakpoint
CREATE INDEX `tickets_by_session` ON `tickets` (`session_id`);--> statement-breakpoint
CREATE INDEX `events_by_creation` ON `events` (`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `events_by_actor` ON `events` (`actor_id`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `events_unsequenced` ON `events` (`created_at`,`id`) WHERE seq is null;
--> statement-breakpoint
INSERT INTO `grants` (`id`, `role_id`, `permission`, `scope`) VALUES
	('01941f29-7c00-7000-8000-00000000010f', '01941f29-7c00-7000-8000-000000000001', 'activities.read', 'all'),
	('01941f29-7c00-7000-8000-000000000110', '01941f29-7c00-7000-8000-000000000001', 'activities.create', 'all'),
	('01941f29-7c00-7000-8000-000000000111', '01941f29-7c00-7000-8000-000000000001', 'sign_ins.read', 'all'),
	('01941f29-7c00-7000-8000-000000000112', '01941f29-7c00-7000-8000-000000000001', 'jobs.read', 'all'),
	('01941f29-7c00-7000-8000-000000000113', '01941f29-7c00-7000-8000-000000000001', 'jobs.manage', 'all'),
	('01941f29-7c00-7000-8000-00000000020b', '01941f29-7c00-7000-8000-000000000002', 'activities.read', 'all'),
	('01941f29-7c00-7000-8000-00000000020c', '01941f29-7c00-7000-8000-000000000002', 'activities.create', 'all'),
	('01941f29-7c00-7000-8000-00000000020d', '01941f29-7c00-7000-8000-000000000002', 'jobs.read', 'own'),
	('01941f29-7c00-7000-8000-00000000030a', '01941f29-7c00-7000-8000-000000000003', 'activities.read', 'own'),
	('01941f29-7c00-7000-8000-00000000030b', '01941f29-7c00-7000-8000-000000000003', 'activities.create', 'all'),
	('01941f29-7c00-7000-8000-00000000030c', '01941f29-7c00-7000-8000-000000000003', 'jobs.read', 'own')
ON CONFLICT DO NOTHING;
