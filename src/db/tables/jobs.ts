import { sql } from "drizzle-orm";
import type { Columns } from "../columns.postgres";
import type { AccountTables } from "./accounts";

/** Work that goes on after the answer, and what is due at a time. */
export function describeJobs(c: Columns, { users }: AccountTables) {
  /** A leased queue: a job belongs to one process until its lease is over, and is done at least once. */
  const jobs = c.table(
    "jobs",
    {
      id: c.id("id").primaryKey(),
      kind: c.text("kind").notNull(),
      /** No two jobs that still have to be done have the same one. */
      key: c.text("key"),
      /** What its kind needs to know; secrets in it are sealed. */
      payload: c.json<Record<string, unknown>>("payload").notNull(),
      state: c
        .text("state")
        .$type<"queued" | "running" | "succeeded" | "failed" | "cancelled" | "undone">()
        .notNull(),
      /** The lower, the sooner: the negative of what was asked for, so that one index has the order. */
      priority: c.integer("priority").notNull(),
      attempts: c.integer("attempts").notNull(),
      /** Not before this instant. */
      run_at: c.time("run_at").notNull(),
      /** Until when the process that runs it has it for itself. */
      leased_until: c.time("leased_until"),
      /** Names the lease, so that whoever comes back late ends nobody else's. */
      lease_id: c.id("lease_id"),
      /** Why the last attempt failed, for whoever may see the job. */
      error: c.text("error"),
      /** What it came to, beyond counts: for whoever may see the job. */
      result: c.json<Record<string, unknown>>("result"),
      /** How far it is, and where it goes on after a crash; `null` where there is nothing to count. */
      progress: c.json<Record<string, number | string>>("progress"),
      created_by: c.id("created_by").references(() => users.id),
      created_at: c.time("created_at").notNull(),
      finished_at: c.time("finished_at"),
    },
    (t) => [
      c
        .uniqueIndex("jobs_key")
        .on(t.key)
        .where(sql`state in ('queued', 'running')`),
      c
        .index("jobs_due")
        .on(t.priority, t.run_at, t.id)
        .where(sql`state = 'queued'`),
      c
        .index("jobs_leased")
        .on(t.leased_until)
        .where(sql`state = 'running'`),
      c.index("jobs_by_state").on(t.state, t.created_at, t.id),
      c.index("jobs_by_creation").on(t.created_at, t.id),
      c.index("jobs_by_creator").on(t.created_by, t.created_at, t.id),
    ],
  );

  /** What a job works on, such as a file to import, in pieces; gone with the job. */
  const job_inputs = c.table(
    "job_inputs",
    {
      job_id: c
        .id("job_id")
        .notNull()
        .references(() => jobs.id, { onDelete: "cascade" }),
      /** Its place, from 0. */
      part: c.integer("part").notNull(),
      bytes: c.bytes("bytes").notNull(),
    },
    (t) => [c.uniqueIndex("job_inputs_in_order").on(t.job_id, t.part)],
  );

  /** What a job did not do, and why: one row for each record that was skipped, or each cell that could not be read. */
  const job_problems = c.table(
    "job_problems",
    {
      id: c.id("id").primaryKey(),
      job_id: c
        .id("job_id")
        .notNull()
        .references(() => jobs.id, { onDelete: "cascade" }),
      /** The line of the file, or the place in what was asked for; from 1. */
      line: c.integer("line"),
      /** The record that it is about, where there is one. */
      record_id: c.id("record_id"),
      /** The column of the file, or the field. */
      field: c.text("field"),
      code: c.text("code").notNull(),
      message: c.text("message").notNull(),
      /** The row as the file has it. */
      row: c.json<string[]>("row"),
    },
    (t) => [c.index("job_problems_by_job").on(t.job_id, t.id)],
  );

  /** What is done again and again, and when it is due next: whoever moves that on does it. */
  const schedules = c.table("schedules", {
    name: c.text("name").primaryKey(),
    next_at: c.time("next_at").notNull(),
  });

  return { jobs, job_inputs, job_problems, schedules };
}
