-- An `INSERT ... SELECT` that asks the table it writes into keeps its rows aside first, which took two fifths of what searches keep of a new record.
DROP TRIGGER `clients_search_added`;
--> statement-breakpoint
CREATE TRIGGER `clients_search_added` AFTER INSERT ON `clients_search` BEGIN
	INSERT INTO `clients_unindexed` VALUES (new.`doc`) ON CONFLICT DO NOTHING;
END;
--> statement-breakpoint
DROP TRIGGER `clients_search_changed`;
--> statement-breakpoint
CREATE TRIGGER `clients_search_changed` AFTER UPDATE ON `clients_search` BEGIN
	INSERT INTO `clients_unindexed` VALUES (new.`doc`) ON CONFLICT DO NOTHING;
END;
--> statement-breakpoint
DROP TRIGGER `tasks_search_added`;
--> statement-breakpoint
CREATE TRIGGER `tasks_search_added` AFTER INSERT ON `tasks_search` BEGIN
	INSERT INTO `tasks_unindexed` VALUES (new.`doc`) ON CONFLICT DO NOTHING;
END;
--> statement-breakpoint
DROP TRIGGER `tasks_search_changed`;
--> statement-breakpoint
CREATE TRIGGER `tasks_search_changed` AFTER UPDATE ON `tasks_search` BEGIN
	INSERT INTO `tasks_unindexed` VALUES (new.`doc`) ON CONFLICT DO NOTHING;
END;
--> statement-breakpoint
DROP TRIGGER `files_search_added`;
--> statement-breakpoint
CREATE TRIGGER `files_search_added` AFTER INSERT ON `files_search` BEGIN
	INSERT INTO `files_unindexed` VALUES (new.`doc`) ON CONFLICT DO NOTHING;
END;
--> statement-breakpoint
DROP TRIGGER `files_search_changed`;
--> statement-breakpoint
CREATE TRIGGER `files_search_changed` AFTER UPDATE ON `files_search` BEGIN
	INSERT INTO `files_unindexed` VALUES (new.`doc`) ON CONFLICT DO NOTHING;
END;
