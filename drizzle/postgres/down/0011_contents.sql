DROP TABLE "files_search";
--> statement-breakpoint
DROP TABLE "avatars";
--> statement-breakpoint
DROP TABLE "previews";
--> statement-breakpoint
DROP TABLE "contents";
