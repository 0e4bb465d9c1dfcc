CREATE TABLE `client_tags` (
	`client_id` text NOT NULL,
	`tag_key` text NOT NULL,
	FOREIGN KEY (`client_id`) REFERENCES `clients`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `client_tags_by_tag` ON `client_tags` (`tag_key`,`client_id`);--> statement-breakpoint
CREATE INDEX `client_tags_by_client` ON `client_tags` (`client_id`);--> statement-breakpoint
CREATE TABLE `clients` (
	`id` text PRIMARY KEY NOT NULL,
	`external_id` text,
	`external_id_key` text,
	`name` text NOT NULL,
	`name_key` text NOT NULL,
	`email` text,
	`email_key` text,
	`email_normal` text,
	`phone` text,
	`phone_key` text,
	`company` text,
	`company_key` text,
	`position` text,
	`position_key` text,
	`industry` text,
	`industry_key` text,
	`address` text,
	`address_key` text,
	`status` text NOT NULL,
	`assigned_to` text,
	`tags` text NOT NULL,
	`notes` text,
	`avatar_url` text,
	`created_by` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`deleted_at` integer,
	`version` integer DEFAULT 1 NOT NULL,
	FOREIGN KEY (`assigned_to`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`created_by`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `clients_email` ON `clients` (`email_normal`) WHERE deleted_at is null;--> statement-breakpoint
CREATE UNIQUE INDEX `clients_external_id` ON `clients` (`external_id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `clients_by_name` ON `clients` (`name_key`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `clients_by_company` ON `clients` (`company_key`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `clients_by_email` ON `clients` (`email_key`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `clients_by_status` ON `clients` (`status`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `clients_by_creation` ON `clients` (`created_at`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `clients_by_update` ON `clients` (`updated_at`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `clients_by_phone` ON `clients` (`phone_key`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `clients_by_status_creation` ON `clients` (`status`,`created_at`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `clients_by_assignee` ON `clients` (`assigned_to`,`created_at`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `clients_by_creator` ON `clients` (`created_by`,`created_at`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `clients_by_deletion` ON `clients` (`created_at`,`id`) WHERE deleted_at is not null;--> statement-breakpoint
CREATE TABLE `events` (
	`id` text PRIMARY KEY NOT NULL,
	`seq` integer,
	`type` text NOT NULL,
	`entity_type` text NOT NULL,
	`entity_id` text NOT NULL,
	`version` integer NOT NULL,
	`actor_kind` text NOT NULL,
	`actor_id` text,
	`request_id` text NOT NULL,
	`changes` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `events_by_entity` ON `events` (`entity_type`,`entity_id`,`version`);--> statement-breakpoint
CREATE UNIQUE INDEX `events_by_seq` ON `events` (`seq`);--> statement-breakpoint
CREATE TABLE `grants` (
	`id` text PRIMARY KEY NOT NULL,
	`role_id` text NOT NULL,
	`permission` text NOT NULL,
	`scope` text NOT NULL,
	FOREIGN KEY (`role_id`) REFERENCES `roles`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `grants_permission` ON `grants` (`role_id`,`permission`);--> statement-breakpoint
CREATE TABLE `idempotency_keys` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`method` text NOT NULL,
	`path` text NOT NULL,
	`key` text NOT NULL,
	`body_hash` text NOT NULL,
	`status` integer NOT NULL,
	`headers` text NOT NULL,
	`body` text,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `idempotency_keys_scope` ON `idempotency_keys` (`user_id`,`method`,`path`,`key`);--> statement-breakpoint
CREATE INDEX `idempotency_keys_by_age` ON `idempotency_keys` (`user_id`,`created_at`);--> statement-breakpoint
CREATE TABLE `refresh_tokens` (
	`hash` text PRIMARY KEY NOT NULL,
	`session_id` text NOT NULL,
	`created_at` integer NOT NULL,
	`used_at` integer,
	FOREIGN KEY (`session_id`) REFERENCES `sessions`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `refresh_tokens_by_session` ON `refresh_tokens` (`session_id`);--> statement-breakpoint
CREATE TABLE `roles` (
	`id` text PRIMARY KEY NOT NULL,
	`slug` text NOT NULL,
	`description` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `roles_slug` ON `roles` (`slug`);--> statement-breakpoint
CREATE TABLE `sessions` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`ip` text,
	`user_agent` text,
	`created_at` integer NOT NULL,
	`last_used_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`ended_at` integer,
	`version` integer DEFAULT 1 NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `sessions_by_user` ON `sessions` (`user_id`,`created_at`);--> statement-breakpoint
CREATE TABLE `users` (
	`id` text PRIMARY KEY NOT NULL,
	`email` text NOT NULL,
	`email_normal` text NOT NULL,
	`full_name` text NOT NULL,
	`full_name_key` text NOT NULL,
	`password_hash` text NOT NULL,
	`role_id` text NOT NULL,
	`avatar_url` text,
	`is_active` integer DEFAULT true NOT NULL,
	`time_zone` text DEFAULT 'UTC' NOT NULL,
	`locale` text DEFAULT 'en' NOT NULL,
	`auth_version` integer DEFAULT 1 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	FOREIGN KEY (`role_id`) REFERENCES `roles`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `users_email` ON `users` (`email_normal`);--> statement-breakpoint
CREATE INDEX `users_by_name` ON `users` (`full_name_key`,`id`);--> statement-breakpoint
CREATE INDEX `users_by_role` ON `users` (`role_id`);