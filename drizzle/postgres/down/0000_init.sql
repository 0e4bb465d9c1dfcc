DROP TABLE "idempotency_keys";
--> statement-breakpoint
DROP TABLE "events";
--> statement-breakpoint
DROP TABLE "client_tags";
--> statement-breakpoint
DROP TABLE "clients";
--> statement-breakpoint
DROP TABLE "refresh_tokens";
--> statement-breakpoint
DROP TABLE "sessions";
--> statement-breakpoint
DROP TABLE "users";
--> statement-breakpoint
DROP TABLE "grants";
--> statement-breakpoint
DROP TABLE "roles";
