import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { startTestServer } from "../support/servers";

const root = resolve(import.meta.dir, "../..");
const readme = readFileSync(join(root, "README.md"), "utf8");

/** What the README tells a newcomer to type in their first five minutes. */
function firstFiveMinutes(): string {
  const section = readme.slice(
    readme.indexOf("## The first five minutes"),
    readme.indexOf("For something to look at"),
  );
  return [...section.matchAll(/```sh\n(.*?)```/gs)].map(([, block]) => block).join("\n");
}

test("the README's first five minutes work, word for word", async () => {
  const server = await startTestServer("sqlite");
  const { host } = new URL(server.url);
  const script = `set -eu\n${firstFiveMinutes().replaceAll("localhost:3000", host)}`;
  const shell = Bun.spawn(["sh", "-c", script], {
    cwd: root,
    env: {
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
      HOME: process.env.HOME ?? "/",
      DATA_DIR: server.dataDir,
      // Only so that the script's own `bun` is the one that runs this test.
      BUN_INSTALL_CACHE_DIR: process.env.BUN_INSTALL_CACHE_DIR ?? "",
    },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([
    new Response(shell.stdout).text(),
    new Response(shell.stderr).text(),
  ]);
  expect([await shell.exited, err]).toEqual([0, ""]);
  expect(out).toContain("created ada@example.com (admin,");
  // The client, added and then found by a name without accents and by a number without blanks.
  expect(out.match(/"name":"Bjørn Hansen"/g)).toHaveLength(3);
  expect(out).toContain('"field":"nmae","code":"unknown_field"');
  await server.stop();
}, 30_000);

test("the README names commands that there are", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  for (const [, name] of readme.matchAll(/bun run (?:--silent )?([\w:]+)/g))
    expect(scripts).toHaveProperty(name!);
});
