import { Type, type Static } from "@sinclair/typebox";
import { isoTime, isoTimeOrNull } from "../../clock";
import { Instant, Nullable } from "../../http/schema";
import type { JobRow } from "../../jobs/job";

/** What may be the matter with a job. */
export const jobStates = ["queued", "running", "succeeded", "failed", "cancelled", "undone"] as const;

const Count = Nullable(Type.Integer());

/** A job as the API shows it; counts are null where there is nothing to count. */
export const JobView = Type.Object(
  {
    id: Type.String(),
    kind: Type.String(),
    state: Type.Union(jobStates.map((state) => Type.Literal(state))),
    ...{ done: Count, total: Count, created: Count, updated: Count, skipped: Count, failed: Count },
    rate: Nullable(Type.Number({ description: "Done in a second." })),
    eta_seconds: Count,
    error: Nullable(Type.String({ description: "Why the last attempt failed." })),
    result: Nullable(
      Type.Record(Type.String(), Type.Unknown(), { description: "What it came to, beyond counts." }),
    ),
    created_by: Nullable(Type.String()),
    created_at: Instant,
    finished_at: Nullable(Instant),
  },
  { title: "Job" },
);
export type JobView = Static<typeof JobView>;

/** The row as the API shows it. */
export function presentJob(row: JobRow): JobView {
  const { done, total, created, updated, skipped, failed, rate } = (row.progress ?? {}) as Record<
    string,
    number
  >;
  const counts = { done, total, created, updated, skipped, failed, rate };
  const isLeft = row.state === "running" && done !== undefined && total !== undefined && (rate ?? 0) > 0;
  return {
    ...{ id: row.id, kind: row.kind, state: row.state },
    ...(Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count ?? null])) as Record<
      keyof typeof counts,
      number | null
    >),
    eta_seconds: isLeft ? Math.ceil(Math.max(0, total - done) / rate!) : null,
    error: row.error,
    result: row.result,
    created_by: row.created_by,
    created_at: isoTime(row.created_at),
    finished_at: isoTimeOrNull(row.finished_at),
  };
}
