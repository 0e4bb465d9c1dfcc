// Written by scripts/embed-migrations.ts.
import sqliteUp0 from "../../drizzle/sqlite/0000_init.sql" with { type: "text" };
import sqliteDown0 from "../../drizzle/sqlite/down/0000_init.sql" with { type: "text" };
import sqliteUp1 from "../../drizzle/sqlite/0001_roles.sql" with { type: "text" };
import sqliteDown1 from "../../drizzle/sqlite/down/0001_roles.sql" with { type: "text" };
import sqliteUp2 from "../../drizzle/sqlite/0002_core.sql" with { type: "text" };
import sqliteDown2 from "../../drizzle/sqlite/down/0002_core.sql" with { type: "text" };
import sqliteUp3 from "../../drizzle/sqlite/0003_events.sql" with { type: "text" };
import sqliteDown3 from "../../drizzle/sqlite/down/0003_events.sql" with { type: "text" };
import sqliteUp4 from "../../drizzle/sqlite/0004_jobs.sql" with { type: "text" };
import sqliteDown4 from "../../drizzle/sqlite/down/0004_jobs.sql" with { type: "text" };
import sqliteUp5 from "../../drizzle/sqlite/0005_upkeep.sql" with { type: "text" };
import sqliteDown5 from "../../drizzle/sqlite/down/0005_upkeep.sql" with { type: "text" };
import sqliteUp6 from "../../drizzle/sqlite/0006_files.sql" with { type: "text" };
import sqliteDown6 from "../../drizzle/sqlite/down/0006_files.sql" with { type: "text" };
import sqliteUp7 from "../../drizzle/sqlite/0007_search.sql" with { type: "text" };
import sqliteDown7 from "../../drizzle/sqlite/down/0007_search.sql" with { type: "text" };
import sqliteUp8 from "../../drizzle/sqlite/0008_attachments.sql" with { type: "text" };
import sqliteDown8 from "../../drizzle/sqlite/down/0008_attachments.sql" with { type: "text" };
import sqliteUp9 from "../../drizzle/sqlite/0009_shares.sql" with { type: "text" };
import sqliteDown9 from "../../drizzle/sqlite/down/0009_shares.sql" with { type: "text" };
import sqliteUp10 from "../../drizzle/sqlite/0010_backups.sql" with { type: "text" };
import sqliteDown10 from "../../drizzle/sqlite/down/0010_backups.sql" with { type: "text" };
import sqliteUp11 from "../../drizzle/sqlite/0011_contents.sql" with { type: "text" };
import sqliteDown11 from "../../drizzle/sqlite/down/0011_contents.sql" with { type: "text" };
import sqliteUp12 from "../../drizzle/sqlite/0012_industry.sql" with { type: "text" };
import sqliteDown12 from "../../drizzle/sqlite/down/0012_industry.sql" with { type: "text" };
import sqliteUp13 from "../../drizzle/sqlite/0013_due.sql" with { type: "text" };
import sqliteDown13 from "../../drizzle/sqlite/down/0013_due.sql" with { type: "text" };
import sqliteUp14 from "../../drizzle/sqlite/0014_assignee.sql" with { type: "text" };
import sqliteDown14 from "../../drizzle/sqlite/down/0014_assignee.sql" with { type: "text" };
import sqliteUp15 from "../../drizzle/sqlite/0015_unindexed.sql" with { type: "text" };
import sqliteDown15 from "../../drizzle/sqlite/down/0015_unindexed.sql" with { type: "text" };
import postgresUp0 from "../../drizzle/postgres/0000_init.sql" with { type: "text" };
import postgresDown0 from "../../drizzle/postgres/down/0000_init.sql" with { type: "text" };
import postgresUp1 from "../../drizzle/postgres/0001_roles.sql" with { type: "text" };
import postgresDown1 from "../../drizzle/postgres/down/0001_roles.sql" with { type: "text" };
import postgresUp2 from "../../drizzle/postgres/0002_core.sql" with { type: "text" };
import postgresDown2 from "../../drizzle/postgres/down/0002_core.sql" with { type: "text" };
import postgresUp3 from "../../drizzle/postgres/0003_events.sql" with { type: "text" };
import postgresDown3 from "../../drizzle/postgres/down/0003_events.sql" with { type: "text" };
import postgresUp4 from "../../drizzle/postgres/0004_jobs.sql" with { type: "text" };
import postgresDown4 from "../../drizzle/postgres/down/0004_jobs.sql" with { type: "text" };
import postgresUp5 from "../../drizzle/postgres/0005_upkeep.sql" with { type: "text" };
import postgresDown5 from "../../drizzle/postgres/down/0005_upkeep.sql" with { type: "text" };
import postgresUp6 from "../../drizzle/postgres/0006_files.sql" with { type: "text" };
import postgresDown6 from "../../drizzle/postgres/down/0006_files.sql" with { type: "text" };
import postgresUp7 from "../../drizzle/postgres/0007_search.sql" with { type: "text" };
import postgresDown7 from "../../drizzle/postgres/down/0007_search.sql" with { type: "text" };
import postgresUp8 from "../../drizzle/postgres/0008_attachments.sql" with { type: "text" };
import postgresDown8 from "../../drizzle/postgres/down/0008_attachments.sql" with { type: "text" };
import postgresUp9 from "../../drizzle/postgres/0009_shares.sql" with { type: "text" };
import postgresDown9 from "../../drizzle/postgres/down/0009_shares.sql" with { type: "text" };
import postgresUp10 from "../../drizzle/postgres/0010_backups.sql" with { type: "text" };
import postgresDown10 from "../../drizzle/postgres/down/0010_backups.sql" with { type: "text" };
import postgresUp11 from "../../drizzle/postgres/0011_contents.sql" with { type: "text" };
import postgresDown11 from "../../drizzle/postgres/down/0011_contents.sql" with { type: "text" };
import postgresUp12 from "../../drizzle/postgres/0012_industry.sql" with { type: "text" };
import postgresDown12 from "../../drizzle/postgres/down/0012_industry.sql" with { type: "text" };
import postgresUp13 from "../../drizzle/postgres/0013_due.sql" with { type: "text" };
import postgresDown13 from "../../drizzle/postgres/down/0013_due.sql" with { type: "text" };
import postgresUp14 from "../../drizzle/postgres/0014_assignee.sql" with { type: "text" };
import postgresDown14 from "../../drizzle/postgres/down/0014_assignee.sql" with { type: "text" };
import postgresUp15 from "../../drizzle/postgres/0015_unindexed.sql" with { type: "text" };
import postgresDown15 from "../../drizzle/postgres/down/0015_unindexed.sql" with { type: "text" };
import type { Migration } from "./migrate";

/** The migrations of SQLite, oldest first. */
export const sqliteMigrations: Migration[] = [
  { tag: "0000_init", up: sqliteUp0, down: sqliteDown0 },
  { tag: "0001_roles", up: sqliteUp1, down: sqliteDown1 },
  { tag: "0002_core", up: sqliteUp2, down: sqliteDown2 },
  { tag: "0003_events", up: sqliteUp3, down: sqliteDown3 },
  { tag: "0004_jobs", up: sqliteUp4, down: sqliteDown4 },
  { tag: "0005_upkeep", up: sqliteUp5, down: sqliteDown5 },
  { tag: "0006_files", up: sqliteUp6, down: sqliteDown6 },
  { tag: "0007_search", up: sqliteUp7, down: sqliteDown7 },
  { tag: "0008_attachments", up: sqliteUp8, down: sqliteDown8 },
  { tag: "0009_shares", up: sqliteUp9, down: sqliteDown9 },
  { tag: "0010_backups", up: sqliteUp10, down: sqliteDown10 },
  { tag: "0011_contents", up: sqliteUp11, down: sqliteDown11 },
  { tag: "0012_industry", up: sqliteUp12, down: sqliteDown12 },
  { tag: "0013_due", up: sqliteUp13, down: sqliteDown13 },
  { tag: "0014_assignee", up: sqliteUp14, down: sqliteDown14 },
  { tag: "0015_unindexed", up: sqliteUp15, down: sqliteDown15 },
];

/** The migrations of PostgreSQL, oldest first. */
export const postgresMigrations: Migration[] = [
  { tag: "0000_init", up: postgresUp0, down: postgresDown0 },
  { tag: "0001_roles", up: postgresUp1, down: postgresDown1 },
  { tag: "0002_core", up: postgresUp2, down: postgresDown2 },
  { tag: "0003_events", up: postgresUp3, down: postgresDown3 },
  { tag: "0004_jobs", up: postgresUp4, down: postgresDown4 },
  { tag: "0005_upkeep", up: postgresUp5, down: postgresDown5 },
  { tag: "0006_files", up: postgresUp6, down: postgresDown6 },
  { tag: "0007_search", up: postgresUp7, down: postgresDown7 },
  { tag: "0008_attachments", up: postgresUp8, down: postgresDown8 },
  { tag: "0009_shares", up: postgresUp9, down: postgresDown9 },
  { tag: "0010_backups", up: postgresUp10, down: postgresDown10 },
  { tag: "0011_contents", up: postgresUp11, down: postgresDown11 },
  { tag: "0012_industry", up: postgresUp12, down: postgresDown12 },
  { tag: "0013_due", up: postgresUp13, down: postgresDown13 },
  { tag: "0014_assignee", up: postgresUp14, down: postgresDown14 },
  { tag: "0015_unindexed", up: postgresUp15, down: postgresDown15 },
];
