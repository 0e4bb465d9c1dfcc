import { tellAfterCommit } from "../../db/after-commit";
import type { Session } from "../../db/store";
import type { JobKind, JobRow } from "../../jobs/job";
import { notificationTopic, notify } from "../notifications/notify";
import { jobById } from "./store";

/** What counts are called in a message, in this order. */
const words = { created: "added", updated: "changed", skipped: "left out", failed: "refused" } as const;

/** Tells whoever asked for a job how it ended, within the transaction that ends it. */
export async function tellFinished(
  session: Session,
  { id, created_by }: JobRow,
  { waitedForAs }: JobKind,
  state: "succeeded" | "failed",
): Promise<void> {
  if (created_by === null) return;
  const { progress, error } = (await jobById.first(session, { id }))!;
  const counts = Object.entries(words)
    .filter(([name]) => Number(progress?.[name] ?? 0) > 0)
    .map(([name, word]) => `${progress![name]} ${word}`);
  const isNew = await notify(session, {
    userId: created_by,
    actorId: null,
    type: "job_finished",
    title: `${waitedForAs} ${state === "succeeded" ? "is finished" : "has failed"}`,
    message:
      state === "failed" ? (error ?? "") : counts.length > 0 ? `${counts.join(", ")}.` : "Nothing changed.",
    link: `/jobs/${id}`,
  });
  if (isNew) tellAfterCommit(session, notificationTopic(created_by));
}
