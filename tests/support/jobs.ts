import type { By, World } from "./scenario";

/** Waits until a job has ended, and gives what the API shows of it. */
export async function ended(world: World, by: By, id: string) {
  for (let tries = 0; tries < 600; tries++) {
    const { json } = await world.send(by, "GET", `/api/jobs/${id}`);
    if (json.finished_at !== null || json.state === "undone") return json;
    await Bun.sleep(25);
  }
  throw new Error(`The job ${id} does not end.`);
}

/** Has what a job did taken back, and waits for that; gives the job that did it. */
export async function undone(world: World, by: By, id: string) {
  const { status, json, text } = await world.send(by, "POST", `/api/jobs/${id}/undo`, { body: {} });
  if (status !== 202) throw new Error(`expected 202, got ${status}: ${text}`);
  return ended(world, by, json.id);
}

/** Waits until no job is under way here: one that was ended works on until its transaction is over. */
export async function idle(world: World): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const { text } = await world.send("admin", "GET", "/metrics");
    if (/^neocrm_jobs_running 0$/m.test(text)) return;
    await Bun.sleep(25);
  }
  throw new Error("Jobs go on and on.");
}
