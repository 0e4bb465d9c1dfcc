CREATE TABLE "password_resets" (
	"hash" text PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"created_at" bigint NOT NULL,
	"expires_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "settings" (
	"id" uuid PRIMARY KEY NOT NULL,
	"key" text NOT NULL,
	"value" jsonb,
	"updated_by" uuid,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL,
	"version" integer DEFAULT 1 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tasks" (
	"id" uuid PRIMARY KEY NOT NULL,
	"external_id" text,
	"external_id_key" text COLLATE "C",
	"title" text NOT NULL,
	"title_key" text COLLATE "C" NOT NULL,
	"description" text,
	"status" text NOT NULL,
	"priority" text NOT NULL,
	"priority_key" integer NOT NULL,
	"assigned_to" uuid,
	"client_id" uuid,
	"due_date" bigint,
	"remind_at" bigint,
	"recurrence" text,
	"completed_at" bigint,
	"created_by" uuid NOT NULL,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL,
	"deleted_at" bigint,
	"version" integer DEFAULT 1 NOT NULL
);
--> statement-breakpoint
DROP INDEX "clients_by_phone";--> statement-breakpoint
DROP INDEX "sessions_by_user";--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "email_key" text COLLATE "C" DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "password_resets" ADD CONSTRAINT "password_resets_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "settings" ADD CONSTRAINT "settings_updated_by_users_id_fk" FOREIGN KEY ("updated_by") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_assigned_to_users_id_fk" FOREIGN KEY ("assigned_to") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_client_id_clients_id_fk" FOREIGN KEY ("client_id") REFERENCES "public"."clients"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_created_by_users_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "password_resets_by_user" ON "password_resets" USING btree ("user_id");--> statement-breakpoint
CREATE UNIQUE INDEX "settings_key" ON "settings" USING btree ("key");--> statement-breakpoint
CREATE UNIQUE INDEX "tasks_external_id" ON "tasks" USING btree ("external_id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "tasks_by_external_id" ON "tasks" USING btree ("external_id_key","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "tasks_by_title" ON "tasks" USING btree ("title_key","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "tasks_by_status" ON "tasks" USING btree ("status","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "tasks_by_priority" ON "tasks" USING btree ("priority_key","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "tasks_by_due_date" ON "tasks" USING btree ("due_date","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "tasks_by_completion" ON "tasks" USING btree ("completed_at","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "tasks_by_creation" ON "tasks" USING btree ("created_at","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "tasks_by_update" ON "tasks" USING btree ("updated_at","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "tasks_by_status_creation" ON "tasks" USING btree ("status","created_at","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "tasks_by_assignee" ON "tasks" USING btree ("assigned_to","created_at","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "tasks_by_assignee_due_date" ON "tasks" USING btree ("assigned_to","due_date","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "tasks_by_client" ON "tasks" USING btree ("client_id","created_at","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "tasks_by_creator" ON "tasks" USING btree ("created_by","created_at","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "tasks_by_deletion" ON "tasks" USING btree ("created_at","id") WHERE deleted_at is not null;--> statement-breakpoint
CREATE INDEX "tasks_by_state" ON "tasks" USING btree ("status","priority_key","due_date","assigned_to") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "clients_by_external_id" ON "clients" USING btree ("external_id_key","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "sessions_by_use" ON "sessions" USING btree ("user_id","last_used_at","id");--> statement-breakpoint
CREATE INDEX "users_by_email" ON "users" USING btree ("email_key","id");--> statement-breakpoint
CREATE INDEX "users_by_creation" ON "users" USING btree ("created_at","id");--> statement-breakpoint
CREATE INDEX "users_by_update" ON "users" USING btree ("updated_at","id");--> statement-breakpoint
CREATE INDEX "users_by_activity_name" ON "users" USING btree ("is_active","full_name_key","id");--> statement-breakpoint
CREATE INDEX "users_by_activity_email" ON "users" USING btree ("is_active","email_key","id");--> statement-breakpoint
CREATE INDEX "users_by_activity_creation" ON "users" USING btree ("is_active","created_at","id");--> statement-breakpoint
CREATE INDEX "clients_by_phone" ON "clients" USING btree ("phone_key","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "sessions_by_user" ON "sessions" USING btree ("user_id","created_at","id");
--> statement-breakpoint
-- Right for every address without accents; the others follow when their account changes next.
UPDATE "users" SET "email_key" = "email_normal";
--> statement-breakpoint
INSERT INTO "grants" ("id", "role_id", "permission", "scope") VALUES
	('01941f29-7c00-7000-8000-000000000108', '01941f29-7c00-7000-8000-000000000001', 'tasks.read', 'all'),
	('01941f29-7c00-7000-8000-000000000109', '01941f29-7c00-7000-8000-000000000001', 'tasks.create', 'all'),
	('01941f29-7c00-7000-8000-00000000010a', '01941f29-7c00-7000-8000-000000000001', 'tasks.update', 'all'),
	('01941f29-7c00-7000-8000-00000000010b', '01941f29-7c00-7000-8000-000000000001', 'tasks.delete', 'all'),
	('01941f29-7c00-7000-8000-00000000010c', '01941f29-7c00-7000-8000-000000000001', 'users.read', 'all'),
	('01941f29-7c00-7000-8000-00000000010d', '01941f29-7c00-7000-8000-000000000001', 'users.email', 'all'),
	('01941f29-7c00-7000-8000-00000000010e', '01941f29-7c00-7000-8000-000000000001', 'monitoring.read', 'all'),
	('01941f29-7c00-7000-8000-000000000205', '01941f29-7c00-7000-8000-000000000002', 'tasks.read', 'all'),
	('01941f29-7c00-7000-8000-000000000206', '01941f29-7c00-7000-8000-000000000002', 'tasks.create', 'all'),
	('01941f29-7c00-7000-8000-000000000207', '01941f29-7c00-7000-8000-000000000002', 'tasks.update', 'all'),
	('01941f29-7c00-7000-8000-000000000208', '01941f29-7c00-7000-8000-000000000002', 'tasks.delete', 'all'),
	('01941f29-7c00-7000-8000-000000000209', '01941f29-7c00-7000-8000-000000000002', 'users.read', 'all'),
	('01941f29-7c00-7000-8000-00000000020a', '01941f29-7c00-7000-8000-000000000002', 'users.email', 'all'),
	('01941f29-7c00-7000-8000-000000000305', '01941f29-7c00-7000-8000-000000000003', 'tasks.read', 'own'),
	('01941f29-7c00-7000-8000-000000000306', '01941f29-7c00-7000-8000-000000000003', 'tasks.create', 'all'),
	('01941f29-7c00-7000-8000-000000000307', '01941f29-7c00-7000-8000-000000000003', 'tasks.update', 'own'),
	('01941f29-7c00-7000-8000-000000000308', '01941f29-7c00-7000-8000-000000000003', 'tasks.delete', 'own'),
	('01941f29-7c00-7000-8000-000000000309', '01941f29-7c00-7000-8000-000000000003', 'users.read', 'all')
ON CONFLICT DO NOTHING;
