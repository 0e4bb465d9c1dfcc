DROP TRIGGER `files_search_hidden`;
--> statement-breakpoint
DROP TABLE `files_search`;
--> statement-breakpoint
DROP TABLE `files_trigrams`;
--> statement-breakpoint
DROP TABLE `files_unindexed`;
--> statement-breakpoint
DROP TABLE `avatars`;
--> statement-breakpoint
DROP TABLE `previews`;
--> statement-breakpoint
DROP TABLE `contents`;
