/** The executable reads files: its worker and what that needs are in it, and neither a stop nor a crash loses a job. */
import { Database } from "bun:sqlite";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { runBinary, startBinary, type RunningBinary } from "../support/binary";
import { signInAs } from "../drills/api";
import { docx, pdf, photo } from "../support/documents";
import { form } from "../support/files";

setDefaultTimeout(120_000);

const password = "a good long phrase";
const email = "lan@example.com";
const started: RunningBinary[] = [];
afterAll(async () => {
  for (const server of started) await server.stop();
});

async function start(dataDir?: string) {
  const server = await startBinary({ dataDir });
  started.push(server);
  return server;
}

type Known = { state: string; text: string | null; metadata: Record<string, unknown>; previews: unknown[] };

async function read(url: string, headers: Record<string, string>, id: string): Promise<Known> {
  for (let tries = 0; tries < 300; tries++) {
    const known = (await (await fetch(`${url}/api/files/${id}/metadata`, { headers })).json()) as Known;
    if (known.state !== "pending") return known;
    await Bun.sleep(200);
  }
  throw new Error("It is never read.");
}

/** Makes an account, and gives what it signs its requests with. */
async function signedIn({ url, dataDir }: RunningBinary): Promise<Record<string, string>> {
  await runBinary(
    ["user", "create", "--email", email, "--name", "Lan", "--password-stdin", "--data-dir", dataDir],
    { stdin: password },
  );
  const { authorization } = await signInAs(url, { email, password });
  return { authorization: authorization! };
}

test("reads images, PDF and documents, also those that came before it was stopped", async () => {
  const first = await start();
  const headers = await signedIn(first);
  const { raw, headers: type } = form(
    ...[{ field: "files", name: "ảnh 🌷.jpg", bytes: await photo(3_000, 2_000) }],
    ...[{ field: "files", name: "عقد.pdf", bytes: pdf(["Forty hours"], { title: "Offer" }) }],
    ...[{ field: "files", name: "Hợp đồng.docx", bytes: docx(["Hợp đồng"]) }],
  );
  const answer = await fetch(`${first.url}/api/files/batch-upload`, {
    method: "POST",
    body: raw,
    headers: { ...headers, ...type },
  });
  const { data } = (await answer.json()) as { data: { file: { id: string } }[] };
  started.splice(started.indexOf(first), 1);
  first.process.kill("SIGTERM");
  await first.process.exited;

  const { url } = await start(first.dataDir);
  const [image, document, word] = await Promise.all(data.map(({ file }) => read(url, headers, file.id)));
  expect(image).toMatchObject({ state: "ready", metadata: { width: 2_000, height: 3_000 } });
  expect(image!.previews).toHaveLength(3);
  expect(document).toMatchObject({
    state: "ready",
    text: "Forty hours",
    metadata: { title: "Offer", pages: 1 },
  });
  expect(word).toMatchObject({ state: "ready", text: "Hợp đồng" });
  const preview = await fetch(`${url}/api/files/preview/${data[0]!.file.id}?size=large`, { headers });
  expect((await new Bun.Image(await preview.bytes()).metadata()).height).toBe(1_280);
});

test("a reading that a crash broke off begins again with the server, however long its lease would hold", async () => {
  const folder = mkdtempSync(join(tmpdir(), "neocrm-broken-off-"));
  try {
    const dataDir = join(folder, "data");
    const first = await start(dataDir);
    const headers = await signedIn(first);
    const ids = await uploadPhotos(first.url, headers, 12);
    // Then others are under way.
    await read(first.url, headers, ids[0]!);
    started.splice(started.indexOf(first), 1);
    first.process.kill("SIGKILL");
    await first.process.exited;
    const database = new Database(join(dataDir, "neocrm.db"));
    const { held } = database
      .query(
        "update jobs set leased_until = leased_until + 86400000 where state = 'running' returning id as held",
      )
      .get() as { held: string };
    database.close();
    expect(held).toBeString();

    const { url } = await start(dataDir);
    for (const id of ids) expect(await read(url, headers, id)).toMatchObject({ state: "ready" });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Photographs of which no two have the same bytes. @returns their ids */
async function uploadPhotos(url: string, headers: Record<string, string>, count: number) {
  const bytes = await photo(3_000, 2_000);
  const parts = Array.from({ length: count }, (_, i) => ({
    ...{ field: "files", name: `${i}.jpg`, bytes: Buffer.concat([bytes, Buffer.from(`${i}`)]) },
  }));
  const { raw, headers: type } = form(...parts);
  const sent = { method: "POST", body: raw, headers: { ...headers, ...type } };
  const answer = await fetch(`${url}/api/files/batch-upload`, sent);
  const { data } = (await answer.json()) as { data: { file: { id: string } }[] };
  return data.map(({ file }) => file.id);
}
