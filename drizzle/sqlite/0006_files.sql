CREATE TABLE `blobs` (
	`hash` text PRIMARY KEY NOT NULL,
	`key` text NOT NULL,
	`size` integer NOT NULL,
	`used_at` integer NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `blobs_key` ON `blobs` (`key`);--> statement-breakpoint
CREATE INDEX `blobs_by_size` ON `blobs` (`size`);--> statement-breakpoint
CREATE TABLE `files` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`name_key` text NOT NULL,
	`original_name` text NOT NULL,
	`file_type` text NOT NULL,
	`file_size` integer NOT NULL,
	`checksum` text NOT NULL,
	`folder_id` text,
	`client_id` text,
	`task_id` text,
	`description` text,
	`uploaded_by` text NOT NULL,
	`metadata` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`deleted_at` integer,
	`version` integer DEFAULT 1 NOT NULL,
	FOREIGN KEY (`checksum`) REFERENCES `blobs`(`hash`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`folder_id`) REFERENCES `folders`(`id`) ON UPDATE no action ON DELETE set null,
	FOREIGN KEY (`client_id`) REFERENCES `clients`(`id`) ON UPDATE no action ON DELETE set null,
	FOREIGN KEY (`task_id`) REFERENCES `tasks`(`id`) ON UPDATE no action ON DELETE set null,
	FOREIGN KEY (`uploaded_by`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `files_by_name` ON `files` (`name_key`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `files_by_type` ON `files` (`file_type`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `files_by_size` ON `files` (`file_size`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `files_by_creation` ON `files` (`created_at`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `files_by_update` ON `files` (`updated_at`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `files_by_type_creation` ON `files` (`file_type`,`created_at`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `files_by_client` ON `files` (`client_id`,`created_at`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `files_by_task` ON `files` (`task_id`,`created_at`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `files_by_uploader` ON `files` (`uploaded_by`,`created_at`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `files_by_deletion` ON `files` (`created_at`,`id`) WHERE deleted_at is not null;--> statement-breakpoint
CREATE INDEX `files_by_folder` ON `files` (`folder_id`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `files_by_checksum` ON `files` (`checksum`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `files_by_use` ON `files` (`uploaded_by`,`file_size`);--> statement-breakpoint
CREATE TABLE `folders` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`name_key` text NOT NULL,
	`name_normal` text,
	`parent_id` text,
	`parent_id_key` text NOT NULL,
	`created_by` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`deleted_at` integer,
	`version` integer DEFAULT 1 NOT NULL,
	FOREIGN KEY (`created_by`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `folders_name` ON `folders` (`parent_id_key`,`name_normal`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `folders_by_parent` ON `folders` (`parent_id`,`name_key`,`id`);--> statement-breakpoint
CREATE INDEX `folders_by_name` ON `folders` (`name_key`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `folders_by_creation` ON `folders` (`created_at`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `folders_by_update` ON `folders` (`updated_at`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `folders_by_creator` ON `folders` (`created_by`,`created_at`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX `folders_by_deletion` ON `folders` (`created_at`,`id`) WHERE deleted_at is not null;
--> statement-breakpoint
INSERT INTO `grants` (`id`, `role_id`, `permission`, `scope`) VALUES
	('01941f29-7c00-7000-8000-000000000120', '01941f29-7c00-7000-8000-000000000001', 'files.create', 'all'),
	('01941f29-7c00-7000-8000-000000000121', '01941f29-7c00-7000-8000-000000000001', 'files.delete', 'all'),
	('01941f29-7c00-7000-8000-000000000122', '01941f29-7c00-7000-8000-000000000001', 'files.read', 'all'),
	('01941f29-7c00-7000-8000-000000000123', '01941f29-7c00-7000-8000-000000000001', 'files.update', 'all'),
	('01941f29-7c00-7000-8000-000000000124', '01941f29-7c00-7000-8000-000000000001', 'folders.create', 'all'),
	('01941f29-7c00-7000-8000-000000000125', '01941f29-7c00-7000-8000-000000000001', 'folders.delete', 'all'),
	('01941f29-7c00-7000-8000-000000000126', '01941f29-7c00-7000-8000-000000000001', 'folders.read', 'all'),
	('01941f29-7c00-7000-8000-000000000127', '01941f29-7c00-7000-8000-000000000001', 'folders.update', 'all'),
	('01941f29-7c00-7000-8000-000000000220', '01941f29-7c00-7000-8000-000000000002', 'files.create', 'all'),
	('01941f29-7c00-7000-8000-000000000221', '01941f29-7c00-7000-8000-000000000002', 'files.delete', 'all'),
	('01941f29-7c00-7000-8000-000000000222', '01941f29-7c00-7000-8000-000000000002', 'files.read', 'all'),
	('01941f29-7c00-7000-8000-000000000223', '01941f29-7c00-7000-8000-000000000002', 'files.update', 'all'),
	('01941f29-7c00-7000-8000-000000000224', '01941f29-7c00-7000-8000-000000000002', 'folders.create', 'all'),
	('01941f29-7c00-7000-8000-000000000225', '01941f29-7c00-7000-8000-000000000002', 'folders.delete', 'all'),
	('01941f29-7c00-7000-8000-000000000226', '01941f29-7c00-7000-8000-000000000002', 'folders.read', 'all'),
	('01941f29-7c00-7000-8000-000000000227', '01941f29-7c00-7000-8000-000000000002', 'folders.update', 'all'),
	('01941f29-7c00-7000-8000-000000000320', '01941f29-7c00-7000-8000-000000000003', 'files.create', 'all'),
	('01941f29-7c00-7000-8000-000000000321', '01941f29-7c00-7000-8000-000000000003', 'files.delete', 'own'),
	('01941f29-7c00-7000-8000-000000000322', '01941f29-7c00-7000-8000-000000000003', 'files.read', 'own'),
	('01941f29-7c00-7000-8000-000000000323', '01941f29-7c00-7000-8000-000000000003', 'files.update', 'own'),
	('01941f29-7c00-7000-8000-000000000324', '01941f29-7c00-7000-8000-000000000003', 'folders.create', 'all'),
	('01941f29-7c00-7000-8000-000000000325', '01941f29-7c00-7000-8000-000000000003', 'folders.delete', 'own'),
	('01941f29-7c00-7000-8000-000000000326', '01941f29-7c00-7000-8000-000000000003', 'folders.read', 'all'),
	('01941f29-7c00-7000-8000-000000000327', '01941f29-7c00-7000-8000-000000000003', 'folders.update', 'own')
ON CONFLICT DO NOTHING;
