import { Counter, type Registry } from "./prom-client";
import type { StoreMeasures } from "../../db/measured";
import type { Store } from "../../db/store";
import { Histogram } from "./histogram";

/** Seconds: from a row in memory to the deadline. */
const buckets = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
/** Callers that share a commit; 64 are the most. */
const batches = [1, 2, 4, 8, 16, 32, 64];

/**
 * Times the database; an engine has only the figures that mean something on it.
 * @param noted told of each read with its statement
 * @param damaged told when the database turns out to be damaged
 */
export function storeMeasures(
  registry: Registry,
  engine: Store["engine"],
  noted: (seconds: number, statement: string) => void,
  damaged: () => void,
): StoreMeasures {
  const duration = new Histogram(registry, {
    name: "neocrm_db_duration_seconds",
    help: "Time of the database's work: a read, a transaction with all its waiting and retries, or a long read aside.",
    labelNames: ["operation"],
    buckets,
  });
  const timed = (operation: string) => {
    const series = duration.series({ operation });
    return (seconds: number) => series.observe(seconds);
  };
  const noting = (observe: (seconds: number) => void) => (seconds: number, statement: string) => {
    observe(seconds);
    noted(seconds, statement);
  };
  const errors = new Counter({
    name: "neocrm_db_errors_total",
    help: "Queries and transactions that failed, by kind.",
    labelNames: ["kind"],
    registers: [registry],
  });
  return {
    failed(kind) {
      errors.inc({ kind });
      if (kind === "damaged") damaged();
    },
    read: noting(timed("read")),
    transaction: timed("transaction"),
    aside: noting(timed("aside")),
    ...(engine === "sqlite" ? groupCommit(registry) : retries(registry)),
  };
}

function groupCommit(registry: Registry) {
  const wait = new Histogram(registry, {
    name: "neocrm_db_write_wait_seconds",
    help: "Time that writers stood in line before their turn.",
    ...{ labelNames: [], buckets },
  }).series({});
  const batch = new Histogram(registry, {
    name: "neocrm_db_batch_writers",
    help: "Writers that shared one commit.",
    ...{ labelNames: [], buckets: batches },
  }).series({});
  return {
    waited: (seconds: number) => wait.observe(seconds),
    committed: (writers: number) => batch.observe(writers),
  };
}

function retries(registry: Registry) {
  const retried = new Counter({
    name: "neocrm_db_transaction_retries_total",
    help: "Transactions tried again because they lost against another.",
    registers: [registry],
  });
  return { retried: () => retried.inc() };
}
