CREATE TABLE "consumers" (
	"name" text PRIMARY KEY NOT NULL,
	"position" integer NOT NULL,
	"updated_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "email_verifications" (
	"hash" text PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"email_normal" text NOT NULL,
	"created_at" bigint NOT NULL,
	"expires_at" bigint NOT NULL,
	"verified_at" bigint
);
--> statement-breakpoint
CREATE TABLE "invitations" (
	"id" uuid PRIMARY KEY NOT NULL,
	"hash" text NOT NULL,
	"email" text NOT NULL,
	"email_normal" text NOT NULL,
	"full_name" text,
	"role_id" uuid NOT NULL,
	"invited_by" uuid NOT NULL,
	"created_at" bigint NOT NULL,
	"expires_at" bigint NOT NULL,
	"accepted_at" bigint,
	"version" integer DEFAULT 1 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "jobs" (
	"id" uuid PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"key" text,
	"payload" jsonb NOT NULL,
	"state" text NOT NULL,
	"priority" integer NOT NULL,
	"attempts" integer NOT NULL,
	"run_at" bigint NOT NULL,
	"leased_until" bigint,
	"lease_id" uuid,
	"error" text,
	"progress" jsonb,
	"created_by" uuid,
	"created_at" bigint NOT NULL,
	"finished_at" bigint
);
--> statement-breakpoint
CREATE TABLE "notification_counters" (
	"user_id" uuid PRIMARY KEY NOT NULL,
	"last_number" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "notification_preferences" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"type" text NOT NULL,
	"in_app" boolean NOT NULL,
	"websocket" boolean NOT NULL,
	"sse" boolean NOT NULL,
	"mail" boolean NOT NULL
);
--> statement-breakpoint
CREATE TABLE "notifications" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"number" integer NOT NULL,
	"type" text NOT NULL,
	"title" text NOT NULL,
	"message" text NOT NULL,
	"link" text,
	"fold_key" text NOT NULL,
	"in_app" boolean NOT NULL,
	"websocket" boolean NOT NULL,
	"sse" boolean NOT NULL,
	"is_read" boolean NOT NULL,
	"read_at" bigint,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "schedules" (
	"name" text PRIMARY KEY NOT NULL,
	"next_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "task_alarms" (
	"id" uuid PRIMARY KEY NOT NULL,
	"task_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tickets" (
	"hash" text PRIMARY KEY NOT NULL,
	"session_id" uuid NOT NULL,
	"user_id" uuid NOT NULL,
	"auth_version" integer NOT NULL,
	"purpose" text NOT NULL,
	"resource_id" uuid,
	"created_at" bigint NOT NULL,
	"expires_at" bigint NOT NULL,
	"used_at" bigint
);
--> statement-breakpoint
ALTER TABLE "email_verifications" ADD CONSTRAINT "email_verifications_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_role_id_roles_id_fk" FOREIGN KEY ("role_id") REFERENCES "public"."roles"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_invited_by_users_id_fk" FOREIGN KEY ("invited_by") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "jobs" ADD CONSTRAINT "jobs_created_by_users_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "notification_counters" ADD CONSTRAINT "notification_counters_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "notification_preferences" ADD CONSTRAINT "notification_preferences_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "notifications" ADD CONSTRAINT "notifications_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "task_alarms" ADD CONSTRAINT "task_alarms_task_id_tasks_id_fk" FOREIGN KEY ("task_id") REFERENCES "public"."tasks"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tickets" ADD CONSTRAINT "tickets_session_id_sessions_id_fk" FOREIGN KEY ("session_id") REFERENCES "public"."sessions"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "email_verifications_by_user" ON "email_verifications" USING btree ("user_id");--> statement-breakpoint
CREATE UNIQUE INDEX "invitations_hash" ON "invitations" USING btree ("hash");--> statement-breakpoint
CREATE INDEX "invitations_by_email" ON "invitations" USING btree ("email_normal");--> statement-breakpoint
CREATE UNIQUE INDEX "jobs_key" ON "jobs" USING btree ("key") WHERE state in ('queued', 'running');--> statement-breakpoint
CREATE INDEX "jobs_due" ON "jobs" USING btree ("priority","run_at","id") WHERE state = 'queued';--> statement-breakpoint
CREATE INDEX "jobs_leased" ON "jobs" USING btree ("leased_until") WHERE state = 'running';--> statement-breakpoint
CREATE INDEX "jobs_by_state" ON "jobs" USING btree ("state","created_at","id");--> statement-breakpoint
CREATE INDEX "jobs_by_creation" ON "jobs" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "jobs_by_creator" ON "jobs" USING btree ("created_by","created_at","id");--> statement-breakpoint
CREATE UNIQUE INDEX "notification_preferences_by_type" ON "notification_preferences" USING btree ("user_id","type");--> statement-breakpoint
CREATE UNIQUE INDEX "notifications_by_number" ON "notifications" USING btree ("user_id","number");--> statement-breakpoint
CREATE INDEX "notifications_by_creation" ON "notifications" USING btree ("user_id","created_at","id");--> statement-breakpoint
CREATE INDEX "notifications_by_reading" ON "notifications" USING btree ("user_id","is_read","created_at","id");--> statement-breakpoint
CREATE INDEX "notifications_by_fold" ON "notifications" USING btree ("user_id","fold_key","created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "task_alarms_by_task" ON "task_alarms" USING btree ("task_id","kind");--> statement-breakpoint
CREATE INDEX "task_alarms_by_time" ON "task_alarms" USING btree ("at");--> statement-breakpoint
CREATE INDEX "tickets_by_expiry" ON "tickets" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "tickets_by_session" ON "tickets" USING btree ("session_id");--> statement-breakpoint
CREATE INDEX "events_by_creation" ON "events" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "events_by_actor" ON "events" USING btree ("actor_id","created_at","id");--> statement-breakpoint
CREATE INDEX "events_unsequenced" ON "events" USING btree ("created_at","id") WHERE seq is null;
--> statement-breakpoint
INSERT INTO "grants" ("id", "role_id", "permission", "scope") VALUES
	('01941f29-7c00-7000-8000-00000000010f', '01941f29-7c00-7000-8000-000000000001', 'activities.read', 'all'),
	('01941f29-7c00-7000-8000-000000000110', '01941f29-7c00-7000-8000-000000000001', 'activities.create', 'all'),
	('01941f29-7c00-7000-8000-000000000111', '01941f29-7c00-7000-8000-000000000001', 'sign_ins.read', 'all'),
	('01941f29-7c00-7000-8000-000000000112', '01941f29-7c00-7000-8000-000000000001', 'jobs.read', 'all'),
	('01941f29-7c00-7000-8000-000000000113', '01941f29-7c00-7000-8000-000000000001', 'jobs.manage', 'all'),
	('01941f29-7c00-7000-8000-00000000020b', '01941f29-7c00-7000-8000-000000000002', 'activities.read', 'all'),
	('01941f29-7c00-7000-8000-00000000020c', '01941f29-7c00-7000-8000-000000000002', 'activities.create', 'all'),
	('01941f29-7c00-7000-8000-00000000020d', '01941f29-7c00-7000-8000-000000000002', 'jobs.read', 'own'),
	('01941f29-7c00-7000-8000-00000000030a', '01941f29-7c00-7000-8000-000000000003', 'activities.read', 'own'),
	('01941f29-7c00-7000-8000-00000000030b', '01941f29-7c00-7000-8000-000000000003', 'activities.create', 'all'),
	('01941f29-7c00-7000-8000-00000000030c', '01941f29-7c00-7000-8000-000000000003', 'jobs.read', 'own')
ON CONFLICT DO NOTHING;
