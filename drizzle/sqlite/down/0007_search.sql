DROP TRIGGER `clients_search_hidden`;
--> statement-breakpoint
DROP TABLE `clients_search`;
--> statement-breakpoint
DROP TABLE `clients_trigrams`;
--> statement-breakpoint
DROP TABLE `clients_unindexed`;
--> statement-breakpoint
DROP TRIGGER `tasks_search_hidden`;
--> statement-breakpoint
DROP TABLE `tasks_search`;
--> statement-breakpoint
DROP TABLE `tasks_trigrams`;
--> statement-breakpoint
DROP TABLE `tasks_unindexed`;
