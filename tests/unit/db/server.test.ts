/** The servers that the tests start do not outlive them. */
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";

const support = join(import.meta.dir, "../../support/postgres.ts");

test("a killed test process leaves neither a server nor its folder", async () => {
  const script = `
    const { newDatabase, postgres } = await import(${JSON.stringify(support)});
    await newDatabase();
    console.log((await postgres()).folder);
    setInterval(() => {}, 1000);`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
  const chunk = await child.stdout.getReader().read();
  const folder = new TextDecoder().decode(chunk.value).trim();
  const pid = Number((await Bun.file(join(folder, "data/postmaster.pid")).text()).split("\n")[0]);
  const isRunning = () => existsSync(`/proc/${pid}`);
  expect(isRunning()).toBe(true);
  child.kill("SIGKILL");
  const giveUpAt = Date.now() + 4_000;
  while ((existsSync(folder) || isRunning()) && Date.now() < giveUpAt) await Bun.sleep(20);
  expect([existsSync(folder), isRunning()]).toEqual([false, false]);
}, 15_000);
