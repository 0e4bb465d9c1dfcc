import type { By, World } from "./scenario";

/** One part of a form: a field, or a file with its name. */
export type Part =
  | { field: string; value: string }
  | { field: string; name: string; bytes: string | Uint8Array; type?: string };

const boundary = "----neocrm-tests";

/** A form as it is sent: unlike `FormData`, this also writes what no browser would. */
export function form(...parts: Part[]): { raw: Uint8Array<ArrayBuffer>; headers: Record<string, string> } {
  const chunks = parts.flatMap((part) => {
    const isFile = "bytes" in part;
    const head =
      `--${boundary}\r\nContent-Disposition: form-data; name="${part.field}"` +
      (isFile
        ? `; filename="${part.name}"\r\nContent-Type: ${part.type ?? "application/octet-stream"}`
        : "") +
      "\r\n\r\n";
    return [head, isFile ? part.bytes : part.value, "\r\n"];
  });
  return {
    raw: new Uint8Array(Buffer.concat([...chunks, `--${boundary}--\r\n`].map((chunk) => Buffer.from(chunk)))),
    headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
  };
}

/** A form as the example of a route has it: texts, and files with their names. */
export type ExampleForm = Record<string, string | { name: string; content: string }>;

/** The same as it is sent. */
export const formOf = (example: ExampleForm) =>
  form(
    ...Object.entries(example).map(([field, value]) =>
      typeof value === "string" ? { field, value } : { field, name: value.name, bytes: value.content },
    ),
  );

/** A form with one file. */
export const oneFile = (name: string, bytes: string | Uint8Array, fields: Record<string, string> = {}) =>
  form(...Object.entries(fields).map(([field, value]) => ({ field, value })), { field: "file", name, bytes });

/** Uploads a file, and gives it as the answer has it; its id is known by its name from then on. */
export async function upload(
  world: World,
  by: By,
  name: string,
  bytes: string | Uint8Array = `This is ${name}.`,
  fields: Record<string, string> = {},
) {
  const sent = Object.fromEntries(
    Object.entries(fields).map(([field, value]) => [field, world.ids[value.slice(1)] ?? value]),
  );
  const answer = await world.send(by, "POST", "/api/files/upload", oneFile(name, bytes, sent));
  if (answer.status !== 201) throw new Error(`upload of ${name}: ${answer.text}`);
  world.ids[name.replace(/\W.*$/, "")] = answer.json.id;
  return answer.json;
}

/** Waits until the pictures of an image are made, or there will be none, and its job is over. */
export async function pictured(world: World, by: By, id: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const { status } = await world.send(by, "GET", `/api/files/preview/${id}`);
    if (status !== 202) return;
    await Bun.sleep(25);
  }
  throw new Error(`The pictures of ${id} are never made.`);
}

/** The SHA-256 of a text or of bytes, in hexadecimal. */
export const sha256 = (bytes: string | Uint8Array): string =>
  new Bun.CryptoHasher("sha256").update(bytes).digest("hex");

/** A PNG of one pixel. */
export const dot = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

/** Bytes that go on and on. */
export const endless = () =>
  new ReadableStream<Uint8Array>({
    async pull(controller) {
      await Bun.sleep(1);
      controller.enqueue(Buffer.from("x"));
    },
  });
