import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileOutput, type LogFile } from "../../../src/ops/log-file";

const folder = mkdtempSync(join(tmpdir(), "neocrm-log-file-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A log in a directory of its own, with names relative to that. */
function logIn(name: string, options: Partial<LogFile> = {}) {
  const path = join(folder, `${name}.log`);
  const open = () => fileOutput({ path, maxSize: 0, maxAge: 0, keep: 2, ...options }, () => "lost\n");
  const files = () =>
    Object.fromEntries(
      readdirSync(folder)
        .filter((each) => each.startsWith(`${name}.`))
        .map((each) => [each, readFileSync(join(folder, each), "utf8")]),
    );
  return { path, open, files };
}

describe("a log in a file", () => {
  test("goes on at its end, and only its owner can read it", () => {
    const { path, open, files } = logIn("end");
    for (const line of ["one\n", "two\n"]) {
      const output = open();
      output.add(line, true);
      output.close();
    }
    expect(files()).toEqual({ "end.log": "one\ntwo\n" });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("is put aside before it grows too large, whole lines each, the oldest goes", () => {
    const { open, files } = logIn("size", { maxSize: 8 });
    const output = open();
    for (const line of ["111\n", "222\n", "333\n", "444\n", "555\n", "666\n", "777\n"])
      output.add(line, true);
    output.close();
    expect(files()).toEqual({
      "size.log": "777\n",
      "size.log.1": "555\n666\n",
      "size.log.2": "333\n444\n",
    });
  });

  test("counts what was there before", () => {
    const { open, files } = logIn("before", { maxSize: 8 });
    const first = open();
    first.add("111\n222\n", true);
    first.close();
    const second = open();
    second.add("333\n", true);
    second.close();
    expect(files()).toEqual({ "before.log": "333\n", "before.log.1": "111\n222\n" });
  });

  test("a batch that is larger than a file goes into one", () => {
    const { open, files } = logIn("batch", { maxSize: 8 });
    const output = open();
    output.add("a line that is long\n", true);
    output.add("next\n", true);
    output.close();
    expect(files()).toEqual({ "batch.log": "next\n", "batch.log.1": "a line that is long\n" });
  });

  test("is put aside when it is old enough", async () => {
    const { open, files } = logIn("age", { maxAge: 1 });
    const output = open();
    output.add("one\n", true);
    await Bun.sleep(5);
    output.add("two\n", true);
    output.close();
    expect(files()).toEqual({ "age.log": "two\n", "age.log.1": "one\n" });
  });

  test("keeps nothing that was put aside when nothing is to be kept", () => {
    const { open, files } = logIn("none", { maxSize: 4, keep: 0 });
    const output = open();
    for (const line of ["111\n", "222\n"]) output.add(line, true);
    output.close();
    expect(files()).toEqual({ "none.log": "222\n" });
  });

  test("goes on in the same file when it cannot be put aside", () => {
    const { path, open } = logIn("stuck", { maxSize: 4, keep: 1 });
    mkdirSync(`${path}.1`);
    const output = open();
    for (const line of ["111\n", "222\n"]) output.add(line, true);
    output.close();
    expect(readFileSync(path, "utf8")).toBe("111\n222\n");
  });

  test("is refused when the file cannot be opened", () => {
    expect(() => fileOutput({ path: folder, maxSize: 0, maxAge: 0, keep: 1 }, () => "")).toThrow("EISDIR");
  });
});
