import type { BackupProgress, OnProgress } from "../../backup/progress";
import { second } from "../../clock";
import type { RunningJob } from "../../jobs/job";
import { log } from "../../ops/logging";
import { Pulse } from "../../pulse";

/** Somebody who looks sees it this old at most. */
const everyMs = second / 2;

/** Does something of which a job says how far it is: not as often as that changes, but as often as somebody may look. */
export async function tellingProgress<Result>(
  job: RunningJob,
  work: (onProgress: OnProgress) => Promise<Result>,
): Promise<Result> {
  let latest: BackupProgress | undefined;
  let told: BackupProgress | undefined;
  const tell = async () => {
    if (latest === told || latest === undefined) return;
    const next = latest;
    try {
      await job.progress({ ...next });
      told = next;
    } catch (error) {
      // A disk that takes no writes is no reason to have no backup; it is told the next time.
      log.debug("How far a backup is could not be written down", { error });
    }
  };
  const pulse = new Pulse({
    module: "jobs",
    failure: "How far a backup is cannot be told",
    everyMs,
    work: tell,
  });
  pulse.start();
  try {
    return await work((progress) => {
      latest = progress;
    });
  } finally {
    await pulse.close();
    await tell();
  }
}
