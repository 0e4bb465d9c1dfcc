DELETE FROM "grants" WHERE "permission" = 'backups.manage';
