CREATE TABLE "job_inputs" (
	"job_id" uuid NOT NULL,
	"part" integer NOT NULL,
	"bytes" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "job_problems" (
	"id" uuid PRIMARY KEY NOT NULL,
	"job_id" uuid NOT NULL,
	"line" integer,
	"record_id" uuid,
	"field" text,
	"code" text NOT NULL,
	"message" text NOT NULL,
	"row" jsonb
);
--> statement-breakpoint
ALTER TABLE "events" ADD COLUMN "job_id" uuid;--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "result" jsonb;--> statement-breakpoint
ALTER TABLE "job_inputs" ADD CONSTRAINT "job_inputs_job_id_jobs_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."jobs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "job_problems" ADD CONSTRAINT "job_problems_job_id_jobs_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."jobs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "job_inputs_in_order" ON "job_inputs" USING btree ("job_id","part");--> statement-breakpoint
CREATE INDEX "job_problems_by_job" ON "job_problems" USING btree ("job_id","id");--> statement-breakpoint
CREATE INDEX "events_by_job" ON "events" USING btree ("job_id","id") WHERE job_id is not null;