-- The roles lose what they were given for these tables, and keep the rest.
DELETE FROM `grants` WHERE `permission` IN ('tasks.read', 'tasks.create', 'tasks.update', 'tasks.delete', 'users.read', 'users.email', 'monitoring.read');
--> statement-breakpoint
DROP TABLE `tasks`;
--> statement-breakpoint
DROP TABLE `settings`;
--> statement-breakpoint
DROP TABLE `password_resets`;
--> statement-breakpoint
DROP INDEX `users_by_email`;
--> statement-breakpoint
DROP INDEX `users_by_creation`;
--> statement-breakpoint
DROP INDEX `users_by_update`;
--> statement-breakpoint
DROP INDEX `users_by_activity_name`;
--> statement-breakpoint
DROP INDEX `users_by_activity_email`;
--> statement-breakpoint
DROP INDEX `users_by_activity_creation`;
--> statement-breakpoint
DROP INDEX `clients_by_external_id`;
--> statement-breakpoint
DROP INDEX `clients_by_phone`;
--> statement-breakpoint
CREATE INDEX `clients_by_phone` ON `clients` (`phone_key`) WHERE deleted_at is null;
--> statement-breakpoint
DROP INDEX `sessions_by_use`;
--> statement-breakpoint
DROP INDEX `sessions_by_user`;
--> statement-breakpoint
CREATE INDEX `sessions_by_user` ON `sessions` (`user_id`,`created_at`);
--> statement-breakpoint
ALTER TABLE `users` DROP COLUMN `email_key`;
