CREATE TABLE "file_shares" (
	"id" uuid PRIMARY KEY NOT NULL,
	"file_id" uuid NOT NULL,
	"hash" text NOT NULL,
	"created_by" uuid NOT NULL,
	"password_hash" text,
	"expires_at" bigint,
	"max_downloads" integer,
	"downloads" integer DEFAULT 0 NOT NULL,
	"view_only" boolean NOT NULL,
	"created_at" bigint NOT NULL,
	"revoked_at" bigint
);
--> statement-breakpoint
ALTER TABLE "file_shares" ADD CONSTRAINT "file_shares_file_id_files_id_fk" FOREIGN KEY ("file_id") REFERENCES "public"."files"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "file_shares" ADD CONSTRAINT "file_shares_created_by_users_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "file_shares_hash" ON "file_shares" USING btree ("hash");--> statement-breakpoint
CREATE INDEX "file_shares_by_file" ON "file_shares" USING btree ("file_id","created_at","id");