CREATE TABLE "client_tags" (
	"client_id" uuid NOT NULL,
	"tag_key" text COLLATE "C" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "clients" (
	"id" uuid PRIMARY KEY NOT NULL,
	"external_id" text,
	"external_id_key" text COLLATE "C",
	"name" text NOT NULL,
	"name_key" text COLLATE "C" NOT NULL,
	"email" text,
	"email_key" text COLLATE "C",
	"email_normal" text,
	"phone" text,
	"phone_key" text COLLATE "C",
	"company" text,
	"company_key" text COLLATE "C",
	"position" text,
	"position_key" text COLLATE "C",
	"industry" text,
	"industry_key" text COLLATE "C",
	"address" text,
	"address_key" text COLLATE "C",
	"status" text NOT NULL,
	"assigned_to" uuid,
	"tags" jsonb NOT NULL,
	"notes" text,
	"avatar_url" text,
	"created_by" uuid NOT NULL,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL,
	"deleted_at" bigint,
	"version" integer DEFAULT 1 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "events" (
	"id" uuid PRIMARY KEY NOT NULL,
	"seq" integer,
	"type" text NOT NULL,
	"entity_type" text NOT NULL,
	"entity_id" uuid NOT NULL,
	"version" integer NOT NULL,
	"actor_kind" text NOT NULL,
	"actor_id" uuid,
	"request_id" text NOT NULL,
	"changes" jsonb NOT NULL,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "grants" (
	"id" uuid PRIMARY KEY NOT NULL,
	"role_id" uuid NOT NULL,
	"permission" text NOT NULL,
	"scope" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"method" text NOT NULL,
	"path" text NOT NULL,
	"key" text NOT NULL,
	"body_hash" text NOT NULL,
	"status" integer NOT NULL,
	"headers" jsonb NOT NULL,
	"body" text,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "refresh_tokens" (
	"hash" text PRIMARY KEY NOT NULL,
	"session_id" uuid NOT NULL,
	"created_at" bigint NOT NULL,
	"used_at" bigint
);
--> statement-breakpoint
CREATE TABLE "roles" (
	"id" uuid PRIMARY KEY NOT NULL,
	"slug" text NOT NULL,
	"description" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sessions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"ip" text,
	"user_agent" text,
	"created_at" bigint NOT NULL,
	"last_used_at" bigint NOT NULL,
	"expires_at" bigint NOT NULL,
	"ended_at" bigint,
	"version" integer DEFAULT 1 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "users" (
	"id" uuid PRIMARY KEY NOT NULL,
	"email" text NOT NULL,
	"email_normal" text NOT NULL,
	"full_name" text NOT NULL,
	"full_name_key" text COLLATE "C" NOT NULL,
	"password_hash" text NOT NULL,
	"role_id" uuid NOT NULL,
	"avatar_url" text,
	"is_active" boolean DEFAULT true NOT NULL,
	"time_zone" text DEFAULT 'UTC' NOT NULL,
	"locale" text DEFAULT 'en' NOT NULL,
	"auth_version" integer DEFAULT 1 NOT NULL,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL,
	"version" integer DEFAULT 1 NOT NULL
);
--> statement-breakpoint
ALTER TABLE "client_tags" ADD CONSTRAINT "client_tags_client_id_clients_id_fk" FOREIGN KEY ("client_id") REFERENCES "public"."clients"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "clients" ADD CONSTRAINT "clients_assigned_to_users_id_fk" FOREIGN KEY ("assigned_to") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "clients" ADD CONSTRAINT "clients_created_by_users_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "grants" ADD CONSTRAINT "grants_role_id_roles_id_fk" FOREIGN KEY ("role_id") REFERENCES "public"."roles"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "refresh_tokens" ADD CONSTRAINT "refresh_tokens_session_id_sessions_id_fk" FOREIGN KEY ("session_id") REFERENCES "public"."sessions"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "users" ADD CONSTRAINT "users_role_id_roles_id_fk" FOREIGN KEY ("role_id") REFERENCES "public"."roles"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "client_tags_by_tag" ON "client_tags" USING btree ("tag_key","client_id");--> statement-breakpoint
CREATE INDEX "client_tags_by_client" ON "client_tags" USING btree ("client_id");--> statement-breakpoint
CREATE UNIQUE INDEX "clients_email" ON "clients" USING btree ("email_normal") WHERE deleted_at is null;--> statement-breakpoint
CREATE UNIQUE INDEX "clients_external_id" ON "clients" USING btree ("external_id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "clients_by_name" ON "clients" USING btree ("name_key","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "clients_by_company" ON "clients" USING btree ("company_key","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "clients_by_email" ON "clients" USING btree ("email_key","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "clients_by_status" ON "clients" USING btree ("status","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "clients_by_creation" ON "clients" USING btree ("created_at","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "clients_by_update" ON "clients" USING btree ("updated_at","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "clients_by_phone" ON "clients" USING btree ("phone_key") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "clients_by_status_creation" ON "clients" USING btree ("status","created_at","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "clients_by_assignee" ON "clients" USING btree ("assigned_to","created_at","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "clients_by_creator" ON "clients" USING btree ("created_by","created_at","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "clients_by_deletion" ON "clients" USING btree ("created_at","id") WHERE deleted_at is not null;--> statement-breakpoint
CREATE INDEX "events_by_entity" ON "events" USING btree ("entity_type","entity_id","version");--> statement-breakpoint
CREATE UNIQUE INDEX "events_by_seq" ON "events" USING btree ("seq");--> statement-breakpoint
CREATE UNIQUE INDEX "grants_permission" ON "grants" USING btree ("role_id","permission");--> statement-breakpoint
CREATE UNIQUE INDEX "idempotency_keys_scope" ON "idempotency_keys" USING btree ("user_id","method","path","key");--> statement-breakpoint
CREATE INDEX "idempotency_keys_by_age" ON "idempotency_keys" USING btree ("user_id","created_at");--> statement-breakpoint
CREATE INDEX "refresh_tokens_by_session" ON "refresh_tokens" USING btree ("session_id");--> statement-breakpoint
CREATE UNIQUE INDEX "roles_slug" ON "roles" USING btree ("slug");--> statement-breakpoint
CREATE INDEX "sessions_by_user" ON "sessions" USING btree ("user_id","created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "users_email" ON "users" USING btree ("email_normal");--> statement-breakpoint
CREATE INDEX "users_by_name" ON "users" USING btree ("full_name_key","id");--> statement-breakpoint
CREATE INDEX "users_by_role" ON "users" USING btree ("role_id");