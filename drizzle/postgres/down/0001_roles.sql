-- A role that somebody has stays, without its grants: reverting is not meant to lose accounts.
DELETE FROM "grants" WHERE "role_id" IN ('01941f29-7c00-7000-8000-000000000001', '01941f29-7c00-7000-8000-000000000002', '01941f29-7c00-7000-8000-000000000003');
--> statement-breakpoint
DELETE FROM "roles" WHERE "id" IN ('01941f29-7c00-7000-8000-000000000001', '01941f29-7c00-7000-8000-000000000002', '01941f29-7c00-7000-8000-000000000003') AND "id" NOT IN (SELECT "role_id" FROM "users");
