import { Database } from "bun:sqlite";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "bun:test";

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { minute, now } from "../../src/clock";
import { startBinary, type RunningBinary } from "../support/binary";
import { startBrowser, watchedPage, type Watched } from "../support/browser";

const admin = { email: "ada@example.com", password: "a long enough phrase" };

let server: RunningBinary;
let browser: Browser;
let open: Watched;
let dataDir: string;

/** The hours before this start, as a server leaves them. */
function writeHistory(): void {
  const sample = (i: number) => ({
    ...{ at: now() - (90 - i) * minute, requests: 100 + i, errors: i % 9, p50: 2, p95: 10 + i, p99: 20 + i },
    ...{ cpu: 0.2, memory: 9e7, delay: 1, sockets: 3, disk_free: 1e10 },
  });
  const lines = Array.from({ length: 90 }, (_, i) => `${JSON.stringify(sample(i))}\n`);
  writeFileSync(join(dataDir, "monitor.ndjson"), lines.join(""));
}

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "neocrm-monitor-"));
  writeHistory();
  const env = { NEOCRM_ADMIN_EMAIL: admin.email, NEOCRM_ADMIN_PASSWORD: admin.password };
  [server, browser] = await Promise.all([startBinary({ env, dataDir }), startBrowser()]);
  open = await watchedPage(browser);
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await server?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

/** A backup that some process makes, and is half through with. */
function addRunningBackup(): void {
  const db = new Database(join(dataDir, "neocrm.db"));
  // The server writes, too.
  db.run("PRAGMA busy_timeout = 10000");
  const job = {
    ...{ id: Bun.randomUUIDv7(), kind: "backup", payload: "{}", state: "running", priority: 0, attempts: 1 },
    ...{ run_at: now(), created_at: now(), lease_id: Bun.randomUUIDv7(), leased_until: now() + 60 * minute },
    progress: JSON.stringify({ done: 3 * 2 ** 20, total: 6 * 2 ** 20, rate: 2 ** 20 }),
  };
  const names = Object.keys(job);
  const values = names.map((name) => `$${name}`);
  db.query(`INSERT INTO jobs (${names.join()}) VALUES (${values.join()})`).run(
    Object.fromEntries(Object.entries(job).map(([name, value]) => [`$${name}`, value])),
  );
  db.close();
}

const signIn = async (password: string) => {
  const { page } = open;
  await page.getByLabel("E-mail").fill(admin.email);
  await page.getByLabel("Password").fill(password);
  // As with the keyboard alone.
  await page.keyboard.press("Enter");
};

test("a wrong password is told, and nothing is shown", async () => {
  const { page } = open;
  await page.goto(`${server.url}/monitor`);
  expect(await page.title()).toBe("Neo CRM: monitoring");
  await signIn("not the password");
  await page.locator("#sign-in-error:not(:empty)").waitFor();
  expect(await page.locator("#monitor").isVisible()).toBe(false);
}, 60_000);

test("whoever looks after the server sees how it is and was", async () => {
  const { page } = open;
  addRunningBackup();
  await signIn(admin.password);
  await page.getByRole("heading", { name: "The last 24 hours" }).waitFor();
  expect(await page.locator("#status").innerText()).toBe("Everything works.");
  expect(await page.locator("#about").innerText()).toStartWith("Version ");
  expect(await page.evaluate(() => document.activeElement!.textContent)).toBe("The last minute");
  expect(await page.locator("#tiles dt").allInnerTexts()).toContain("Requests a second");
  expect(await page.locator("#charts canvas").count()).toBe(6);
  const captions = await page.locator("#charts figcaption").allInnerTexts();
  expect(captions[0]).toMatch(/^Requests and errors a minute\s+requests: 1\d\d now, at most 189; errors: /);
  expect(await page.locator("#checks tr").count()).toBe(5);
  expect(await page.locator("#under-way tr").nth(1).locator("td").allInnerTexts()).toEqual([
    ...["backup", "50 %, 3 MiB of 6 MiB", "3 s"],
  ]);
  expect(await page.locator("#log").innerText()).toContain("Neo CRM answers");
}, 60_000);

test("what did not change stays: nothing is read out anew, and what is selected stays so", async () => {
  const { page } = open;
  const answered = () => page.waitForResponse(`${server.url}/api/admin/monitor`);
  await page.evaluate(() => {
    const said = new MutationObserver((changes) => (document.title = `${changes.length} changes`));
    said.observe(document.getElementById("status")!, { childList: true, characterData: true, subtree: true });
    const line = [...document.querySelectorAll("#log tr")].find((row) =>
      row.textContent.includes("Neo CRM answers"),
    );
    getSelection()!.selectAllChildren(line!);
  });
  const selected = () => page.evaluate(() => String(getSelection()));
  const before = await selected();
  await answered();
  await answered();
  expect(await selected()).toBe(before);
  expect(before).toContain("Neo CRM answers");
  expect(await page.title()).toBe("Neo CRM: monitoring");
  // Neither twice, nor in another order.
  const times = await page.locator("#log tr").allInnerTexts();
  expect(new Set(times).size).toBe(times.length);
  expect(await page.locator("#checks tr").count()).toBe(5);
}, 60_000);

test.each(["light", "dark"] as const)(
  "it can be read in %s, on a phone too",
  async (colorScheme) => {
    const { page } = open;
    await page.emulateMedia({ colorScheme });
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 900 });
      await page.waitForFunction(() => document.querySelectorAll("#charts canvas").length === 6);
      const { scrolls, contrast } = await page.evaluate(() => {
        const { color, backgroundColor } = getComputedStyle(document.body);
        const light = (css: string) => {
          const [r, g, b] = css.match(/[\d.]+/g)!.map((part) => {
            const share = Number(part) / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
          });
          return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
        };
        const [a, b] = [light(color), light(backgroundColor)].toSorted((x, y) => y - x);
        return {
          scrolls: document.documentElement.scrollWidth > innerWidth,
          contrast: (a! + 0.05) / (b! + 0.05),
        };
      });
      expect({ width, scrolls }).toEqual({ width, scrolls: false });
      if (process.env.SHOTS) {
        await Bun.sleep(600);
        await page.screenshot({ path: `${process.env.SHOTS}/${colorScheme}-${width}.png`, fullPage: true });
      }
      // WCAG 2.2, 1.4.6.
      expect(contrast).toBeGreaterThan(7);
    }
  },
  60_000,
);

test("every button and field can be reached with the keyboard, and has a name", async () => {
  const { page } = open;
  const nameless = await page.evaluate(
    () =>
      [...document.querySelectorAll("button, input")].filter(
        (node) => !node.textContent?.trim() && !(node as HTMLInputElement).labels?.length,
      ).length,
  );
  expect(nameless).toBe(0);
  await page.locator("#sign-out").focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Sign in to see how the server is" }).waitFor();
  expect(await page.locator("#monitor").isVisible()).toBe(false);
  expect(await page.evaluate(() => document.activeElement!.getAttribute("name"))).toBe("email");
}, 60_000);

test("what comes after signing out is not shown", async () => {
  const { page } = open;
  await signIn(admin.password);
  await page.locator("#monitor").waitFor();
  // An answer from before, which is on its way for as long as it takes to sign out.
  await page.evaluate(() => {
    const { fetch } = window;
    const signedOut = new Promise((resolve) =>
      document.getElementById("sign-out")!.addEventListener("click", resolve),
    );
    const late = async (...given: Parameters<typeof fetch>) => {
      const answer = await fetch(...given);
      if (given[0] !== "/api/admin/monitor") return answer;
      document.title = "on its way";
      await signedOut;
      window.fetch = fetch;
      setTimeout(() => (document.title = "arrived"), 300);
      return answer;
    };
    window.fetch = late as typeof fetch;
  });
  await page.waitForFunction(() => document.title === "on its way");
  await page.locator("#sign-out").click();
  await page.waitForFunction(() => document.title === "arrived");
  expect(await page.locator("#monitor").isVisible()).toBe(false);
  expect(await page.locator("#sign-in").isVisible()).toBe(true);
}, 60_000);

test("a server that cannot be reached is told, and signing in works once it can", async () => {
  const { page } = open;
  const login = "**/api/auth/login";
  await page.route(login, (route) => route.abort());
  await signIn(admin.password);
  await page.locator("#sign-in-error:not(:empty)").waitFor();
  expect(await page.locator("#sign-in-error").innerText()).toStartWith("The server does not answer: ");
  await page.unroute(login);
  await signIn(admin.password);
  await page.locator("#monitor").waitFor();
}, 60_000);

test("it asks no other host for anything and breaks no rule of its policy", () => {
  expect(open.requested.filter((url) => !url.startsWith(`${server.url}/`))).toEqual([]);
  // The wrong password above is a 401, which browsers complain about, and of a request that was broken off.
  expect(open.complaints.filter((complaint) => !/401|ERR_FAILED/.test(complaint))).toEqual([]);
});
