DROP TABLE "tasks_search";
--> statement-breakpoint
DROP TABLE "clients_search";
