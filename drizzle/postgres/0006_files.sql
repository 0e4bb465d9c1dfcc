CREATE TABLE "blobs" (
	"hash" text COLLATE "C" PRIMARY KEY NOT NULL,
	"key" text NOT NULL,
	"size" bigint NOT NULL,
	"used_at" bigint NOT NULL,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "files" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"name_key" text COLLATE "C" NOT NULL,
	"original_name" text NOT NULL,
	"file_type" text COLLATE "C" NOT NULL,
	"file_size" bigint NOT NULL,
	"checksum" text COLLATE "C" NOT NULL,
	"folder_id" uuid,
	"client_id" uuid,
	"task_id" uuid,
	"description" text,
	"uploaded_by" uuid NOT NULL,
	"metadata" jsonb NOT NULL,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL,
	"deleted_at" bigint,
	"version" integer DEFAULT 1 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "folders" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"name_key" text COLLATE "C" NOT NULL,
	"name_normal" text,
	"parent_id" uuid,
	"parent_id_key" text NOT NULL,
	"created_by" uuid NOT NULL,
	"created_at" bigint NOT NULL,
	"updated_at" bigint NOT NULL,
	"deleted_at" bigint,
	"version" integer DEFAULT 1 NOT NULL
);
--> statement-breakpoint
ALTER TABLE "files" ADD CONSTRAINT "files_checksum_blobs_hash_fk" FOREIGN KEY ("checksum") REFERENCES "public"."blobs"("hash") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "files" ADD CONSTRAINT "files_folder_id_folders_id_fk" FOREIGN KEY ("folder_id") REFERENCES "public"."folders"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "files" ADD CONSTRAINT "files_client_id_clients_id_fk" FOREIGN KEY ("client_id") REFERENCES "public"."clients"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "files" ADD CONSTRAINT "files_task_id_tasks_id_fk" FOREIGN KEY ("task_id") REFERENCES "public"."tasks"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "files" ADD CONSTRAINT "files_uploaded_by_users_id_fk" FOREIGN KEY ("uploaded_by") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "folders" ADD CONSTRAINT "folders_created_by_users_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "blobs_key" ON "blobs" USING btree ("key");--> statement-breakpoint
CREATE INDEX "blobs_by_size" ON "blobs" USING btree ("size");--> statement-breakpoint
CREATE INDEX "files_by_name" ON "files" USING btree ("name_key","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "files_by_type" ON "files" USING btree ("file_type","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "files_by_size" ON "files" USING btree ("file_size","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "files_by_creation" ON "files" USING btree ("created_at","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "files_by_update" ON "files" USING btree ("updated_at","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "files_by_type_creation" ON "files" USING btree ("file_type","created_at","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "files_by_client" ON "files" USING btree ("client_id","created_at","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "files_by_task" ON "files" USING btree ("task_id","created_at","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "files_by_uploader" ON "files" USING btree ("uploaded_by","created_at","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "files_by_deletion" ON "files" USING btree ("created_at","id") WHERE deleted_at is not null;--> statement-breakpoint
CREATE INDEX "files_by_folder" ON "files" USING btree ("folder_id","created_at","id");--> statement-breakpoint
CREATE INDEX "files_by_checksum" ON "files" USING btree ("checksum","created_at","id");--> statement-breakpoint
CREATE INDEX "files_by_use" ON "files" USING btree ("uploaded_by","file_size");--> statement-breakpoint
CREATE UNIQUE INDEX "folders_name" ON "folders" USING btree ("parent_id_key","name_normal") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "folders_by_parent" ON "folders" USING btree ("parent_id","name_key","id");--> statement-breakpoint
CREATE INDEX "folders_by_name" ON "folders" USING btree ("name_key","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "folders_by_creation" ON "folders" USING btree ("created_at","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "folders_by_update" ON "folders" USING btree ("updated_at","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "folders_by_creator" ON "folders" USING btree ("created_by","created_at","id") WHERE deleted_at is null;--> statement-breakpoint
CREATE INDEX "folders_by_deletion" ON "folders" USING btree ("created_at","id") WHERE deleted_at is not null;
--> statement-breakpoint
INSERT INTO "grants" ("id", "role_id", "permission", "scope") VALUES
	('01941f29-7c00-7000-8000-000000000120', '01941f29-7c00-7000-8000-000000000001', 'files.create', 'all'),
	('01941f29-7c00-7000-8000-000000000121', '01941f29-7c00-7000-8000-000000000001', 'files.delete', 'all'),
	('01941f29-7c00-7000-8000-000000000122', '01941f29-7c00-7000-8000-000000000001', 'files.read', 'all'),
	('01941f29-7c00-7000-8000-000000000123', '01941f29-7c00-7000-8000-000000000001', 'files.update', 'all'),
	('01941f29-7c00-7000-8000-000000000124', '01941f29-7c00-7000-8000-000000000001', 'folders.create', 'all'),
	('01941f29-7c00-7000-8000-000000000125', '01941f29-7c00-7000-8000-000000000001', 'folders.delete', 'all'),
	('01941f29-7c00-7000-8000-000000000126', '01941f29-7c00-7000-8000-000000000001', 'folders.read', 'all'),
	('01941f29-7c00-7000-8000-000000000127', '01941f29-7c00-7000-8000-000000000001', 'folders.update', 'all'),
	('01941f29-7c00-7000-8000-000000000220', '01941f29-7c00-7000-8000-000000000002', 'files.create', 'all'),
	('01941f29-7c00-7000-8000-000000000221', '01941f29-7c00-7000-8000-000000000002', 'files.delete', 'all'),
	('01941f29-7c00-7000-8000-000000000222', '01941f29-7c00-7000-8000-000000000002', 'files.read', 'all'),
	('01941f29-7c00-7000-8000-000000000223', '01941f29-7c00-7000-8000-000000000002', 'files.update', 'all'),
	('01941f29-7c00-7000-8000-000000000224', '01941f29-7c00-7000-8000-000000000002', 'folders.create', 'all'),
	('01941f29-7c00-7000-8000-000000000225', '01941f29-7c00-7000-8000-000000000002', 'folders.delete', 'all'),
	('01941f29-7c00-7000-8000-000000000226', '01941f29-7c00-7000-8000-000000000002', 'folders.read', 'all'),
	('01941f29-7c00-7000-8000-000000000227', '01941f29-7c00-7000-8000-000000000002', 'folders.update', 'all'),
	('01941f29-7c00-7000-8000-000000000320', '01941f29-7c00-7000-8000-000000000003', 'files.create', 'all'),
	('01941f29-7c00-7000-8000-000000000321', '01941f29-7c00-7000-8000-000000000003', 'files.delete', 'own'),
	('01941f29-7c00-7000-8000-000000000322', '01941f29-7c00-7000-8000-000000000003', 'files.read', 'own'),
	('01941f29-7c00-7000-8000-000000000323', '01941f29-7c00-7000-8000-000000000003', 'files.update', 'own'),
	('01941f29-7c00-7000-8000-000000000324', '01941f29-7c00-7000-8000-000000000003', 'folders.create', 'all'),
	('01941f29-7c00-7000-8000-000000000325', '01941f29-7c00-7000-8000-000000000003', 'folders.delete', 'own'),
	('01941f29-7c00-7000-8000-000000000326', '01941f29-7c00-7000-8000-000000000003', 'folders.read', 'all'),
	('01941f29-7c00-7000-8000-000000000327', '01941f29-7c00-7000-8000-000000000003', 'folders.update', 'own')
ON CONFLICT DO NOTHING;
