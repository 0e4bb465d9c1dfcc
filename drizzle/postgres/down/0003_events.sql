-- The roles lose what they were given for these tables, and keep the rest.
DELETE FROM "grants" WHERE "permission" IN ('activities.create', 'activities.read', 'jobs.manage', 'jobs.read', 'sign_ins.read');
--> statement-breakpoint
DROP TABLE "task_alarms";
--> statement-breakpoint
DROP TABLE "notification_preferences";
--> statement-breakpoint
DROP TABLE "notification_counters";
--> statement-breakpoint
DROP TABLE "notifications";
--> statement-breakpoint
DROP TABLE "schedules";
--> statement-breakpoint
DROP TABLE "jobs";
--> statement-breakpoint
DROP TABLE "consumers";
--> statement-breakpoint
DROP TABLE "tickets";
--> statement-breakpoint
DROP TABLE "email_verifications";
--> statement-breakpoint
DROP TABLE "invitations";
--> statement-breakpoint
DROP INDEX "events_by_creation";
--> statement-breakpoint
DROP INDEX "events_by_actor";
--> statement-breakpoint
DROP INDEX "events_unsequenced";
