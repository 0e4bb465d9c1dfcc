-- The roles lose what they were given for these tables, and keep the rest.
DELETE FROM `grants` WHERE `permission` IN ('files.create', 'files.delete', 'files.read', 'files.update', 'folders.create', 'folders.delete', 'folders.read', 'folders.update');
--> statement-breakpoint
DROP TABLE `files`;
--> statement-breakpoint
DROP TABLE `folders`;
--> statement-breakpoint
DROP TABLE `blobs`;
