import { adminEmail, adminPassword, signInAs } from "../tests/drills/api";
import type { Contender } from "./contenders";
import { printTable, type TableRow } from "./table";

const formats = ["csv", "ndjson"] as const;
const times = 3;

/** Records in a second: exported, changed by a job, and taken back by another. The best of some rounds of each. */
export async function measureMany({ url }: Contender, clients: number, changed: number): Promise<void> {
  const headers = await signInAs(url, { email: adminEmail, password: adminPassword });
  const send = async (method: string, path: string, body?: object) => {
    const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
    const response = await fetch(`${url}/api/${path}`, init);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  const rows: TableRow[] = [];
  const note = (name: string, records: number, seconds: number) =>
    rows.push([
      name,
      String(records),
      seconds.toFixed(2),
      Math.round(records / seconds).toLocaleString("en"),
    ]);

  for (const format of formats) {
    const seconds: number[] = [];
    for (let round = 0; round < times; round++) {
      const start = performance.now();
      const { body } = await send("GET", `export/clients?format=${format}`);
      for await (const chunk of body!) void chunk;
      seconds.push((performance.now() - start) / 1_000);
    }
    note(`export of clients, ${format}`, clients, Math.min(...seconds));
  }

  /** Sees a job to its end; gives its id and how long it took. */
  const job = async (path: string, body: object) => {
    const start = performance.now();
    let { id, state, error } = (await (await send("POST", path, body)).json()) as Record<string, string>;
    while (state === "queued" || state === "running") {
      await Bun.sleep(20);
      ({ id, state, error } = (await (await send("GET", `jobs/${id}`)).json()) as Record<string, string>);
    }
    if (state !== "succeeded") throw new Error(`${path}: ${state} ${error}`);
    return { id: id!, seconds: (performance.now() - start) / 1_000 };
  };
  const items: { id: string }[] = [];
  for (let cursor = ""; items.length < changed;) {
    const page = await send("GET", `clients?limit=200&count=none${cursor}`);
    const { data, pagination } = (await page.json()) as {
      data: { id: string }[];
      pagination: { next_cursor: string | null };
    };
    items.push(...data.map(({ id }) => ({ id })));
    if (pagination.next_cursor === null) break;
    cursor = `&cursor=${pagination.next_cursor}`;
  }
  const some = items.slice(0, changed);
  const update = await job("bulk/clients/update", { items: some, set: { notes: "changed by many" } });
  note("bulk change, as a job", some.length, update.seconds);
  note("taking it back", some.length, (await job(`jobs/${update.id}/undo`, {})).seconds);
  const deleted = await job("bulk/delete", { type: "clients", items: some });
  note("bulk deletion, as a job", some.length, deleted.seconds);
  note("taking it back", some.length, (await job(`jobs/${deleted.id}/undo`, {})).seconds);
  printTable("Many records at once:", ["what", "records", "seconds", "records a second"], rows);
}
