import type { JobKind } from "../../jobs/job";
import { tracing } from "./tracing";

/** The same kind; each attempt is a span in the trace in which the job was asked for. */
export const tracedKind = (kind: JobKind): JobKind => ({
  name: kind.name,
  attempts: kind.attempts,
  backoff: (attempt) => kind.backoff(attempt),
  async run(job) {
    const { traceparent } = job.payload;
    const attributes = { "messaging.message.id": job.id, "neocrm.job.attempt": job.attempt };
    const parent = typeof traceparent === "string" ? traceparent : undefined;
    await (tracing()?.span(`job ${kind.name}`, attributes, () => kind.run(job), parent) ?? kind.run(job));
  },
});
