DROP TABLE "job_problems";
--> statement-breakpoint
DROP TABLE "job_inputs";
--> statement-breakpoint
ALTER TABLE "jobs" DROP COLUMN "result";
--> statement-breakpoint
DROP INDEX "events_by_job";
--> statement-breakpoint
ALTER TABLE "events" DROP COLUMN "job_id";
