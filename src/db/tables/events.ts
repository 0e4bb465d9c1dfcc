import { sql } from "drizzle-orm";
import type { Columns } from "../columns.postgres";

/** What happened, and the answers kept for those who ask twice. */
export function describeEvents(c: Columns) {
  /** The only log. An event commits with the change it tells of. */
  const events = c.table(
    "events",
    {
      id: c.id("id").primaryKey(),
      /** The order across records. On PostgreSQL it is assigned after the commit, so it is null at first. */
      seq: c.integer("seq"),
      type: c.text("type").notNull(),
      entity_type: c.text("entity_type").notNull(),
      entity_id: c.id("entity_id").notNull(),
      /** The record's version after the change: the order within the record. */
      version: c.integer("version").notNull(),
      actor_kind: c.text("actor_kind").$type<"user" | "share" | "system">().notNull(),
      actor_id: c.id("actor_id"),
      request_id: c.text("request_id").notNull(),
      /** The job that did it: what is undone when the job is. */
      job_id: c.id("job_id"),
      changes: c.json<Record<string, [before: unknown, after: unknown]>>("changes").notNull(),
      created_at: c.time("created_at").notNull(),
    },
    (t) => [
      c.index("events_by_entity").on(t.entity_type, t.entity_id, t.version),
      c.uniqueIndex("events_by_seq").on(t.seq),
      c.index("events_by_creation").on(t.created_at, t.id),
      c.index("events_by_actor").on(t.actor_id, t.created_at, t.id),
      c
        .index("events_by_job")
        .on(t.job_id, t.id)
        .where(sql`job_id is not null`),
      // Those that the relay has not seen: few, and gone from here once it has.
      c
        .index("events_unsequenced")
        .on(t.created_at, t.id)
        .where(sql`seq is null`),
    ],
  );

  /** How far each reader of the log is: it has done everything up to this `seq`. */
  const consumers = c.table("consumers", {
    name: c.text("name").primaryKey(),
    position: c.integer("position").notNull(),
    updated_at: c.time("updated_at").notNull(),
  });

  /** The first answer to a POST with an `Idempotency-Key`, stored in that POST's own transaction. */
  const idempotency_keys = c.table(
    "idempotency_keys",
    {
      id: c.id("id").primaryKey(),
      user_id: c.id("user_id").notNull(),
      method: c.text("method").notNull(),
      path: c.text("path").notNull(),
      key: c.text("key").notNull(),
      /** A keyed hash of the request's body, with the name of its key: from a copy of the database, nobody tries passwords against it. */
      body_hash: c.text("body_hash").notNull(),
      status: c.integer("status").notNull(),
      headers: c.json<Record<string, string>>("headers").notNull(),
      body: c.text("body"),
      created_at: c.time("created_at").notNull(),
    },
    (t) => [
      c.uniqueIndex("idempotency_keys_scope").on(t.user_id, t.method, t.path, t.key),
      c.index("idempotency_keys_by_age").on(t.user_id, t.created_at),
    ],
  );

  return { events, consumers, idempotency_keys };
}
