DROP INDEX "files_of_task";
--> statement-breakpoint
DROP INDEX "files_of_client";
