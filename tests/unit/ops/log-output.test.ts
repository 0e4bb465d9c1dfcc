import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { bufferedOutput } from "../../../src/ops/log-output";

setDefaultTimeout(60_000);

const lost = (lines: number) => `${lines} lost\n`;

/** A reader that takes so many bytes at each attempt. */
function slowReader(takes: () => number) {
  let text = "";
  const output = bufferedOutput((bytes) => {
    const count = Math.min(takes(), bytes.length);
    text += Buffer.from(bytes.subarray(0, count)).toString("latin1");
    return count;
  }, lost);
  return { output, text: () => text };
}

describe("bufferedOutput", () => {
  test("a reader that takes little at a time gets everything in order", () => {
    let turn = 0;
    const { output, text } = slowReader(() => (turn++ % 50 === 0 ? 0 : 3));
    const lines = Array.from({ length: 200 }, (_, i) => `line ${i}\n`);
    for (const line of lines) output.add(line, true);
    output.flush();
    expect(text()).toBe(lines.join(""));
  });

  test("lines go out by themselves when the reader wakes", async () => {
    let takes = 0;
    const { output, text } = slowReader(() => takes);
    output.add("one\n", true);
    output.add("two\n", true);
    expect(text()).toBe("");
    takes = Infinity;
    while (text() === "") await Bun.sleep(5);
    expect(text()).toBe("one\ntwo\n");
  });

  test("the backlog is bounded, and the log says how much is missing", () => {
    let takes = 0;
    const { output, text } = slowReader(() => takes);
    const line = "x".repeat(1_023) + "\n";
    for (let i = 0; i < 20_000; i++) output.add(line, false);
    takes = Infinity;
    output.flush();
    expect(text().length).toBeLessThan(9 * 1024 * 1024);
    output.add("after\n", true);
    const missing = 20_000 - (text().length - text().indexOf("x") - "after\n".length) / 1_024;
    expect(text()).toEndWith("after\n");
    expect(text()).toMatch(/\d+ lost\nafter\n$/);
    expect(missing).toBeGreaterThan(11_000);
  });
});

const source = new URL("../../../src/ops/logging.ts", import.meta.url).href;

/** Runs code that logs, with its stdout in the hands of a shell. */
async function inShell(code: string, shell: string) {
  const script = `import { log, logRequest, startLogging } from ${JSON.stringify(source)};
    startLogging({ level: "info", format: "json" });
    ${code}`;
  const child = Bun.spawn(["sh", "-c", shell.replace("RUN", '"$0" -e "$1"'), process.execPath, script], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { out, err, status: await child.exited };
}

describe("a process that logs to stdout", () => {
  test("writes everything before it ends", async () => {
    const { out } = await inShell(`for (let i = 0; i < 5000; i++) log.info("line", { i });`, "RUN");
    expect(
      out
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).i),
    ).toEqual(Array.from({ length: 5_000 }, (_, i) => i));
  });

  test("also into a pipe whose reader comes late", async () => {
    const { out } = await inShell(
      `for (let i = 0; i < 5000; i++) log.info("line", { i });`,
      "RUN | (sleep 0.3; cat)",
    );
    expect(out.trimEnd().split("\n")).toHaveLength(5_000);
  });

  test("also when it throws or calls exit", async () => {
    expect((await inShell(`log.info("last"); throw new Error("x");`, "RUN")).out).toContain('"last"');
    expect((await inShell(`log.info("last"); process.exit(3);`, "RUN")).out).toContain('"last"');
  });

  test("goes on working while nobody reads", async () => {
    const { err } = await inShell(
      `for (let i = 0; i < 5000; i++) log.warn("line", { i });
       console.error("still here"); process.reallyExit(0);`,
      "RUN | sleep 2",
    );
    expect(err).toBe("still here\n");
  });

  test("survives a reader that went away", async () => {
    const { err } = await inShell(
      `await Bun.sleep(100); log.warn("one"); log.warn("two"); console.error("still here");`,
      "RUN | true",
    );
    expect(err).toBe("still here\n");
  });

  test("appends to a file behind what others write there", async () => {
    const file = `/tmp/neocrm-log-${crypto.randomUUID()}`;
    const { out } = await inShell(
      `log.warn("from the log"); console.log("from the console"); log.warn("again");`,
      `RUN > ${file}; cat ${file}; rm ${file}`,
    );
    expect(out.match(/from the log|from the console|again/g)).toEqual([
      "from the log",
      "from the console",
      "again",
    ]);
  });
});
