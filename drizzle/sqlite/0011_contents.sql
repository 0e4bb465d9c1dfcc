CREATE TABLE `avatars` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`checksum` text NOT NULL,
	`bytes` integer NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`checksum`) REFERENCES `blobs`(`hash`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `avatars_by_user` ON `avatars` (`user_id`);--> statement-breakpoint
CREATE INDEX `avatars_by_checksum` ON `avatars` (`checksum`);--> statement-breakpoint
CREATE TABLE `contents` (
	`hash` text PRIMARY KEY NOT NULL,
	`state` text NOT NULL,
	`problem` text,
	`metadata` text NOT NULL,
	`text` text,
	`is_cut` integer NOT NULL,
	`read_at` integer,
	FOREIGN KEY (`hash`) REFERENCES `blobs`(`hash`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `files_search` (
	`doc` integer PRIMARY KEY NOT NULL,
	`text` text NOT NULL,
	`title_end` integer NOT NULL,
	`more_end` integer NOT NULL,
	`parts` text,
	`id` text NOT NULL,
	FOREIGN KEY (`id`) REFERENCES `files`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `files_search_by_id` ON `files_search` (`id`);--> statement-breakpoint
CREATE TABLE `previews` (
	`hash` text NOT NULL,
	`size` text NOT NULL,
	`checksum` text NOT NULL,
	`bytes` integer NOT NULL,
	`width` integer NOT NULL,
	`height` integer NOT NULL,
	FOREIGN KEY (`hash`) REFERENCES `contents`(`hash`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`checksum`) REFERENCES `blobs`(`hash`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `previews_by_size` ON `previews` (`hash`,`size`);--> statement-breakpoint
CREATE INDEX `previews_by_checksum` ON `previews` (`checksum`);
--> statement-breakpoint
-- Written by hand from here on, as for clients and tasks.
CREATE TABLE `files_unindexed` (`doc` integer PRIMARY KEY NOT NULL);
--> statement-breakpoint
CREATE VIRTUAL TABLE `files_trigrams` USING fts5(`text`, content='', contentless_delete=1, detail=none, tokenize='trigram case_sensitive 1');
--> statement-breakpoint
CREATE TRIGGER `files_search_added` AFTER INSERT ON `files_search` BEGIN
	INSERT INTO `files_unindexed` SELECT new.`doc` WHERE NOT EXISTS (SELECT 1 FROM `files_unindexed` WHERE `doc` = new.`doc`);
END;
--> statement-breakpoint
CREATE TRIGGER `files_search_changed` AFTER UPDATE ON `files_search` BEGIN
	INSERT INTO `files_unindexed` SELECT new.`doc` WHERE NOT EXISTS (SELECT 1 FROM `files_unindexed` WHERE `doc` = new.`doc`);
END;
--> statement-breakpoint
CREATE TRIGGER `files_search_removed` AFTER DELETE ON `files_search` BEGIN
	DELETE FROM `files_unindexed` WHERE `doc` = old.`doc`;
	DELETE FROM `files_trigrams` WHERE rowid = old.`doc`;
END;
--> statement-breakpoint
CREATE TRIGGER `files_search_hidden` AFTER UPDATE OF `deleted_at` ON `files` BEGIN
	INSERT INTO `files_unindexed` SELECT `doc` FROM `files_search` WHERE `id` = new.`id` AND `doc` NOT IN `files_unindexed`;
END;
