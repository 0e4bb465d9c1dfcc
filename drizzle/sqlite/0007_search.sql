CREATE TABLE `clients_search` (
	`doc` integer PRIMARY KEY NOT NULL,
	`text` text NOT NULL,
	`title_end` integer NOT NULL,
	`more_end` integer NOT NULL,
	`parts` text,
	`id` text NOT NULL,
	FOREIGN KEY (`id`) REFERENCES `clients`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `clients_search_by_id` ON `clients_search` (`id`);--> statement-breakpoint
CREATE TABLE `tasks_search` (
	`doc` integer PRIMARY KEY NOT NULL,
	`text` text NOT NULL,
	`title_end` integer NOT NULL,
	`more_end` integer NOT NULL,
	`parts` text,
	`id` text NOT NULL,
	FOREIGN KEY (`id`) REFERENCES `tasks`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `tasks_search_by_id` ON `tasks_search` (`id`);
--> statement-breakpoint
-- Written by hand from here on. An upsert's way with conflicts is that of its triggers too, so these ask before they insert.
CREATE TABLE `clients_unindexed` (`doc` integer PRIMARY KEY NOT NULL);
--> statement-breakpoint
CREATE VIRTUAL TABLE `clients_trigrams` USING fts5(`text`, content='', contentless_delete=1, detail=none, tokenize='trigram case_sensitive 1');
--> statement-breakpoint
CREATE TRIGGER `clients_search_added` AFTER INSERT ON `clients_search` BEGIN
	INSERT INTO `clients_unindexed` SELECT new.`doc` WHERE NOT EXISTS (SELECT 1 FROM `clients_unindexed` WHERE `doc` = new.`doc`);
END;
--> statement-breakpoint
CREATE TRIGGER `clients_search_changed` AFTER UPDATE ON `clients_search` BEGIN
	INSERT INTO `clients_unindexed` SELECT new.`doc` WHERE NOT EXISTS (SELECT 1 FROM `clients_unindexed` WHERE `doc` = new.`doc`);
END;
--> statement-breakpoint
CREATE TRIGGER `clients_search_removed` AFTER DELETE ON `clients_search` BEGIN
	DELETE FROM `clients_unindexed` WHERE `doc` = old.`doc`;
	DELETE FROM `clients_trigrams` WHERE rowid = old.`doc`;
END;
--> statement-breakpoint
CREATE TRIGGER `clients_search_hidden` AFTER UPDATE OF `deleted_at` ON `clients` BEGIN
	INSERT INTO `clients_unindexed` SELECT `doc` FROM `clients_search` WHERE `id` = new.`id` AND `doc` NOT IN `clients_unindexed`;
END;
--> statement-breakpoint
CREATE TABLE `tasks_unindexed` (`doc` integer PRIMARY KEY NOT NULL);
--> statement-breakpoint
CREATE VIRTUAL TABLE `tasks_trigrams` USING fts5(`text`, content='', contentless_delete=1, detail=none, tokenize='trigram case_sensitive 1');
--> statement-breakpoint
CREATE TRIGGER `tasks_search_added` AFTER INSERT ON `tasks_search` BEGIN
	INSERT INTO `tasks_unindexed` SELECT new.`doc` WHERE NOT EXISTS (SELECT 1 FROM `tasks_unindexed` WHERE `doc` = new.`doc`);
END;
--> statement-breakpoint
CREATE TRIGGER `tasks_search_changed` AFTER UPDATE ON `tasks_search` BEGIN
	INSERT INTO `tasks_unindexed` SELECT new.`doc` WHERE NOT EXISTS (SELECT 1 FROM `tasks_unindexed` WHERE `doc` = new.`doc`);
END;
--> statement-breakpoint
CREATE TRIGGER `tasks_search_removed` AFTER DELETE ON `tasks_search` BEGIN
	DELETE FROM `tasks_unindexed` WHERE `doc` = old.`doc`;
	DELETE FROM `tasks_trigrams` WHERE rowid = old.`doc`;
END;
--> statement-breakpoint
CREATE TRIGGER `tasks_search_hidden` AFTER UPDATE OF `deleted_at` ON `tasks` BEGIN
	INSERT INTO `tasks_unindexed` SELECT `doc` FROM `tasks_search` WHERE `id` = new.`id` AND `doc` NOT IN `tasks_unindexed`;
END;
