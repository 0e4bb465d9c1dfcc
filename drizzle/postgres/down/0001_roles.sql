-- Fails while somebody has one of the roles: revert on a system with accounts is not meant to lose them.
DELETE FROM "grants" WHERE "role_id" IN ('01941f29-7c00-7000-8000-000000000001', '01941f29-7c00-7000-8000-000000000002', '01941f29-7c00-7000-8000-000000000003');
--> statement-breakpoint
DELETE FROM "roles" WHERE "id" IN ('01941f29-7c00-7000-8000-000000000001', '01941f29-7c00-7000-8000-000000000002', '01941f29-7c00-7000-8000-000000000003');
