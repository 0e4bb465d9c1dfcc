DROP TRIGGER `clients_search_added`;
--> statement-breakpoint
CREATE TRIGGER `clients_search_added` AFTER INSERT ON `clients_search` BEGIN
	INSERT INTO `clients_unindexed` SELECT new.`doc` WHERE NOT EXISTS (SELECT 1 FROM `clients_unindexed` WHERE `doc` = new.`doc`);
END;
--> statement-breakpoint
DROP TRIGGER `clients_search_changed`;
--> statement-breakpoint
CREATE TRIGGER `clients_search_changed` AFTER UPDATE ON `clients_search` BEGIN
	INSERT INTO `clients_unindexed` SELECT new.`doc` WHERE NOT EXISTS (SELECT 1 FROM `clients_unindexed` WHERE `doc` = new.`doc`);
END;
--> statement-breakpoint
DROP TRIGGER `tasks_search_added`;
--> statement-breakpoint
CREATE TRIGGER `tasks_search_added` AFTER INSERT ON `tasks_search` BEGIN
	INSERT INTO `tasks_unindexed` SELECT new.`doc` WHERE NOT EXISTS (SELECT 1 FROM `tasks_unindexed` WHERE `doc` = new.`doc`);
END;
--> statement-breakpoint
DROP TRIGGER `tasks_search_changed`;
--> statement-breakpoint
CREATE TRIGGER `tasks_search_changed` AFTER UPDATE ON `tasks_search` BEGIN
	INSERT INTO `tasks_unindexed` SELECT new.`doc` WHERE NOT EXISTS (SELECT 1 FROM `tasks_unindexed` WHERE `doc` = new.`doc`);
END;
--> statement-breakpoint
DROP TRIGGER `files_search_added`;
--> statement-breakpoint
CREATE TRIGGER `files_search_added` AFTER INSERT ON `files_search` BEGIN
	INSERT INTO `files_unindexed` SELECT new.`doc` WHERE NOT EXISTS (SELECT 1 FROM `files_unindexed` WHERE `doc` = new.`doc`);
END;
--> statement-breakpoint
DROP TRIGGER `files_search_changed`;
--> statement-breakpoint
CREATE TRIGGER `files_search_changed` AFTER UPDATE ON `files_search` BEGIN
	INSERT INTO `files_unindexed` SELECT new.`doc` WHERE NOT EXISTS (SELECT 1 FROM `files_unindexed` WHERE `doc` = new.`doc`);
END;
