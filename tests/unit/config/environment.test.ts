import { expect, test } from "bun:test";
import { join } from "node:path";
import { processEnvironment } from "../../../src/config/environment";

test("nothing but the configuration reads the environment", async () => {
  const source = join(import.meta.dir, "../../../src");
  const reads =
    /\b(process|Bun|import\.meta)\??\.env\b|\{[^}]*\benv\b[^}]*\}\s*(from\s*"(bun|(node:)?process)"|=\s*(process|Bun)\b)/;
  const readers: string[] = [];
  for await (const file of new Bun.Glob("**/*.{ts,tsx}").scan(source))
    if (reads.test(await Bun.file(join(source, file)).text())) readers.push(file.replaceAll("\\", "/"));
  expect(readers.toSorted()).toEqual(["config/environment.ts", "config/node-env.ts"]);
});

test("what the process was started with", () => {
  expect(processEnvironment()).toEqual({ env: process.env, cwd: process.cwd() });
});
