/** Forms with files, however they are cut into pieces, and whatever is wrong with them. */
import { describe, expect, test } from "bun:test";
import type { Refusal } from "../../../src/errors";
import { readForm, type FormLimits } from "../../../src/http/multipart";
import { form, type Part } from "../../support/files";

const limits: FormLimits = { files: 3, fields: 3, fieldBytes: 100 };

const requestOf = (
  body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
  headers: Record<string, string> = form().headers,
) => new Request("http://x/", { method: "POST", body, headers });

/** A body that comes in pieces of so many bytes. */
function pieces(bytes: Uint8Array, size: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.slice(at, (at += size)));
    },
  });
}

/** What a form has in it. */
async function contentsOf(request: Request, given = limits) {
  const files: { field: string; name: string; text: string }[] = [];
  const fields = await readForm(request, given, async ({ field, name, bytes }) => {
    const chunks = await Array.fromAsync(bytes, (chunk) => Uint8Array.from(chunk));
    files.push({ field, name, text: Buffer.concat(chunks).toString() });
  });
  return { fields: Object.fromEntries(fields), files };
}

const codeOf = (request: Request, given = limits) =>
  contentsOf(request, given).then(
    () => "taken",
    (error: Refusal) => error.details.errors?.[0]?.code ?? error.code,
  );

const whole: Part[] = [
  { field: "before", value: "x" },
  { field: "a", name: "a.txt", bytes: "--not the end\r\n--\r\n" },
  { field: "b", name: "ünïcode 🦊.bin", bytes: "\r\n".repeat(50) },
  { field: "after", value: "" },
  { field: "c", name: "", bytes: "" },
];

describe("a form", () => {
  for (const size of [1, 2, 7, 64, 1_000_000]) {
    test(`is the same in pieces of ${size} bytes`, async () => {
      const { fields, files } = await contentsOf(requestOf(pieces(form(...whole).raw, size)));
      expect(fields).toEqual({ before: "x", after: "" });
      expect(files).toEqual([
        { field: "a", name: "a.txt", text: "--not the end\r\n--\r\n" },
        { field: "b", name: "ünïcode 🦊.bin", text: "\r\n".repeat(50) },
        { field: "c", name: "", text: "" },
      ]);
    });
  }

  test("gives the memory of what was read back when more is asked for, and of nothing else", async () => {
    const sent = Uint8Array.from({ length: 64 * 1_024 }, (_, i) => (i * 31) % 251);
    const { raw } = form({ field: "a", name: "a", bytes: sent }, { field: "b", name: "b", bytes: sent });
    const came: Uint8Array[][] = [];
    const copies: Buffer[] = [];
    await readForm(requestOf(pieces(raw, 1_024)), limits, async ({ bytes }) => {
      const [chunks, parts]: [Uint8Array[], Uint8Array[]] = [[], []];
      for await (const chunk of bytes) {
        expect(chunk.byteLength).toBeGreaterThan(0);
        chunks.push(chunk);
        parts.push(Uint8Array.from(chunk));
      }
      came.push(chunks);
      copies.push(Buffer.concat(parts));
    });
    expect(copies.map((copy) => copy.equals(sent))).toEqual([true, true]);
    for (const chunks of came) {
      const gone = chunks.filter(({ byteLength }) => byteLength === 0).length;
      // The first and the last share their memory with what stands around them.
      expect(gone).toBeGreaterThan(chunks.length / 2);
    }
  });

  test("that breaks off anywhere is refused, and who takes a file hears of it", async () => {
    const { raw } = form({ field: "a", name: "a", bytes: "x".repeat(500) }, { field: "b", value: "y" });
    for (let end = 1; end < raw.length - 4; end += 13) {
      let isTaken = false;
      const reading = readForm(requestOf(raw.slice(0, end)), limits, async ({ bytes }) => {
        for await (const _ of bytes);
        isTaken = true;
      });
      expect(
        await reading.then(
          () => "taken",
          (error: Refusal) => error.code,
        ),
      ).toBe("malformed_form");
      // The file itself was whole when only what comes after it is missing.
      if (end < 500) expect(isTaken).toBe(false);
    }
  });

  test("is taken no further than its limits", async () => {
    const file = { field: "a", name: "a", bytes: "x" };
    const field = (name: string, value = "x") => ({ field: name, value });
    expect(await codeOf(requestOf(form(file, file, file).raw))).toBe("taken");
    expect(await codeOf(requestOf(form(file, file, file, file).raw))).toBe("too_many");
    expect(await codeOf(requestOf(form(field("a"), field("b"), field("c")).raw))).toBe("taken");
    expect(await codeOf(requestOf(form(...["a", "b", "c", "d"].map((name) => field(name))).raw))).toBe(
      "too_many",
    );
    expect(await codeOf(requestOf(form(field("a", "x".repeat(100))).raw))).toBe("taken");
    expect(await codeOf(requestOf(form(field("a", "x".repeat(101))).raw))).toBe("too_long");
    expect(await codeOf(requestOf(form(field("a"), field("a")).raw))).toBe("repeated");
    expect(await codeOf(requestOf(form(field("a", "\0")).raw))).toBe("invalid_characters");
    const huge = Buffer.concat([form(field("a")).raw.slice(0, 30), Buffer.alloc(100_000, "x")]);
    expect(await codeOf(requestOf(new Uint8Array(huge)))).toBe("malformed_form");
  });

  test("is nothing but multipart/form-data", async () => {
    const { raw } = form({ field: "a", value: "x" });
    for (const type of [
      "text/plain",
      "multipart/mixed; boundary=x",
      "application/json",
      "multipart/form-datax",
    ])
      expect(await codeOf(requestOf(raw, { "content-type": type }))).toBe("unsupported_media_type");
    expect(await codeOf(requestOf(raw, { "content-type": "multipart/form-data" }))).toBe("malformed_form");
    const other = { "content-type": "multipart/form-data; boundary=other" };
    expect(await codeOf(requestOf(raw, other))).toBe("malformed_form");
  });

  test("whose file is not wanted is read on or not, as who takes it decides", async () => {
    const big = { field: "a", name: "a", bytes: "x".repeat(300_000) };
    const { raw } = form(big, { field: "after", value: "y" }, { ...big, name: "b" });
    const names: string[] = [];
    const skipping = await readForm(requestOf(pieces(raw, 1_000)), limits, async ({ name, bytes }) => {
      for await (const _ of bytes) break;
      names.push(name);
    });
    expect([Object.fromEntries(skipping), names]).toEqual([{ after: "y" }, ["a", "b"]]);

    let given = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(given === 0 ? raw.slice(0, 2_000) : new Uint8Array(1_000));
        given++;
      },
    });
    const refusing = readForm(requestOf(endless), limits, () => Promise.reject(new Error("too large")));
    expect(refusing).rejects.toThrow("too large");
    await refusing.catch(() => undefined);
    const then = given;
    await Bun.sleep(5);
    expect(given).toBe(then);
    expect(given).toBeLessThan(200);
  });

  test("waits for who takes its files", async () => {
    let given = 0;
    const { raw } = form({ field: "a", name: "a", bytes: "x".repeat(20_000_000) });
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const at = given * 10_000;
        if (at >= raw.length) controller.close();
        else controller.enqueue(raw.slice(at, at + 10_000));
        given++;
      },
    });
    let most = 0;
    await readForm(requestOf(body), limits, async ({ bytes }) => {
      let taken = 0;
      for await (const chunk of bytes) {
        taken += chunk.byteLength;
        if (taken % 1_000_000 < 10_000) await Bun.sleep(1);
        most = Math.max(most, given * 10_000 - taken);
      }
    });
    expect(most).toBeLessThan(1_000_000);
  });

  test("whose sender goes away ends for who takes its file", async () => {
    const { raw } = form({ field: "a", name: "a", bytes: "x".repeat(100_000) });
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(raw.slice(0, 50_000)),
      async pull(controller) {
        await Bun.sleep(1);
        controller.error(new DOMException("The connection was closed.", "AbortError"));
      },
    });
    let heard: unknown;
    const reading = readForm(requestOf(body), limits, async ({ bytes }) => {
      try {
        for await (const _ of bytes);
      } catch (error) {
        heard = error;
        throw error;
      }
    });
    expect(await reading.catch((error: Error) => error.name)).toBe("AbortError");
    expect(heard).toBeInstanceOf(Error);
  });
});
