/** The executable reads files: its worker and what that needs are in it, and a stop loses no job. */
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

test("reads images, PDF and documents, also those that came before it was stopped", async () => {
  const first = await start();
  await runBinary(
    ["user", "create", "--email", email, "--name", "Lan", "--password-stdin", "--data-dir", first.dataDir],
    { stdin: password },
  );
  const { authorization } = await signInAs(first.url, { email, password });
  const headers = { authorization: authorization! };
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
