/** The page of a shared file in a browser: light and dark, on a phone, with the keyboard alone, and without scripts. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Opened } from "../../src/features/shares/visits";
import { sharedPage } from "../../src/web/share/page";
import { startBinary, type RunningBinary } from "../support/binary";
import { startBrowser, watchedPage, type Watched } from "../support/browser";
import { oneFile } from "../support/files";

const admin = { email: "ada@example.com", password: "a long enough phrase" };
const phrase = "told on the phone";
const longName = `${"Angebot für die Erneuerung der Heizungsanlage".repeat(3)} 2027.pdf`;

let server: RunningBinary;
let browser: Browser;
let open: Watched;
let authorization: string;

/** Sends a request as the admin. */
async function api<Answer>(path: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(server.url + path, {
    ...init,
    headers: { authorization, "content-type": "application/json", ...init.headers },
  });
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
  return (await response.json()) as Answer;
}

/** Uploads a file, makes a link to it, and gives its address. */
async function linkTo(name: string, bytes: string | Uint8Array, input: object): Promise<string> {
  const { raw, headers } = oneFile(name, bytes);
  const file = await api<{ id: string }>("/api/files/upload", { method: "POST", body: raw, headers });
  const preview = `${server.url}/api/files/preview/${file.id}?size=large`;
  while ((await fetch(preview, { headers: { authorization } })).status === 202) await Bun.sleep(25);
  const body = JSON.stringify(input);
  return (await api<{ url: string }>(`/api/files/${file.id}/share`, { method: "POST", body })).url;
}

/** A picture to look at, drawn by the browser. */
async function picture(): Promise<Buffer> {
  const { page } = await watchedPage(browser);
  await page.setViewportSize({ width: 800, height: 500 });
  await page.setContent(
    '<body style="margin:0;background:linear-gradient(135deg,#0b6e4f,#f2c14e);font:700 72px sans-serif;color:#fff;display:grid;place-items:center;height:100vh">Plan B</body>',
  );
  const shot = await page.screenshot({ type: "png" });
  await page.close();
  return shot;
}

const urls: Record<string, string> = {};

beforeAll(async () => {
  const env = { NEOCRM_ADMIN_EMAIL: admin.email, NEOCRM_ADMIN_PASSWORD: admin.password };
  [server, browser] = await Promise.all([startBinary({ env }), startBrowser()]);
  const signedIn = await fetch(`${server.url}/api/auth/login`, {
    ...{ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(admin) },
  });
  authorization = `Bearer ${((await signedIn.json()) as { access_token: string }).access_token}`;
  const later = "2099-05-04T09:00:00Z";
  urls["file"] = await linkTo(longName, "%PDF-1.7 x", { expires_at: later, max_downloads: 3 });
  urls["image"] = await linkTo("Plan B.png", await picture(), {});
  urls["view-only"] = await linkTo("Plan B.png", await picture(), { view_only: true, expires_at: null });
  urls["locked"] = await linkTo("offer.txt", "forty hours", { password: phrase });
  urls["over"] = await linkTo("gone.txt", "gone", { max_downloads: 1 });
  await (await fetch(`${urls["over"]}/download`)).text();
  urls["nothing"] = `${server.url}/s/${"A".repeat(22)}`;
  open = await watchedPage(browser);
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

/** The least contrast of any text with what is behind it, and whether the page is wider than its window. */
const look = (page: Page) =>
  page.evaluate(() => {
    const light = (css: string) => {
      const [r, g, b] = css.match(/[\d.]+/g)!.map((part) => {
        const share = Number(part) / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
    };
    const behind = (node: Element | null): string => {
      const { backgroundColor } = getComputedStyle(node ?? document.body);
      return node && backgroundColor === "rgba(0, 0, 0, 0)" ? behind(node.parentElement) : backgroundColor;
    };
    const texts = [...document.body.querySelectorAll("*")].filter((node) =>
      [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent!.trim() !== ""),
    );
    const contrasts = texts.map((node) => {
      const [a, b] = [light(getComputedStyle(node).color), light(behind(node))].toSorted((x, y) => y - x);
      return (a! + 0.05) / (b! + 0.05);
    });
    return {
      contrast: Math.min(...contrasts),
      scrolls: document.documentElement.scrollWidth > innerWidth,
      headings: document.querySelectorAll("h1").length,
      targets: [...document.querySelectorAll("a, button, input")].map((node) => node.clientHeight),
      isWaiting: [...document.images].some(({ complete, naturalWidth }) => !complete || naturalWidth === 0),
    };
  });

/** As long as a picture is made, which is over before a browser asks. */
const waitingPage = () =>
  sharedPage("/s/link", {
    ...{ picture: "pending", sharedBy: "Ada" },
    share: { view_only: true, expires_at: null, max_downloads: null } as Opened["share"],
    file: { name: "Plan B.png", file_type: "image/png", file_size: 12_000 } as Opened["file"],
  }).html.text;

describe.each(["light", "dark"] as const)("in %s", (colorScheme) => {
  const names = ["file", "image", "waiting", "view-only", "locked", "over", "nothing"];
  test.each(names)(
    "%s can be read, on a phone too",
    async (name) => {
      const { page } = open;
      await page.emulateMedia({ colorScheme });
      for (const width of [1280, 375]) {
        await page.setViewportSize({ width, height: width > 1_000 ? 800 : 667 });
        if (name === "waiting") await page.setContent(waitingPage());
        else await page.goto(urls[name]!);
        await page.waitForLoadState("networkidle");
        const { contrast, scrolls, headings, targets, isWaiting } = await look(page);
        // WCAG 2.2, 1.4.3 for all text, and 2.5.5 for what is tapped.
        expect(contrast).toBeGreaterThan(4.5);
        expect({ scrolls, headings, isWaiting }).toEqual({ scrolls: false, headings: 1, isWaiting: false });
        for (const height of targets) expect(height).toBeGreaterThanOrEqual(44);
        if (process.env.SHOTS)
          await page.screenshot({
            path: `${process.env.SHOTS}/${name}-${colorScheme}-${width}.png`,
            fullPage: true,
          });
      }
    },
    60_000,
  );
});

test("a password is typed, and the file saved, with the keyboard alone and without scripts", async () => {
  const context = await browser.newContext({ javaScriptEnabled: false, acceptDownloads: true });
  const page = await context.newPage();
  await page.goto(urls["locked"]!);
  // The field has the focus already.
  await page.keyboard.type("not this one");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  expect(await page.getByRole("alert").innerText()).toBe("This is not the password of the link.");
  if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/wrong.png` });
  await page.keyboard.type(phrase);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "offer.txt" }).waitFor();
  expect(page.url()).toBe(urls["locked"]!);
  await page.keyboard.press("Tab");
  const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
  expect(download.suggestedFilename()).toBe("offer.txt");
  expect(await Bun.file(await download.path()).text()).toBe("forty hours");
  await context.close();
}, 60_000);

test("a name in whatever script is the name of the saved file", async () => {
  const context = await browser.newContext({ acceptDownloads: true });
  const page = await context.newPage();
  await page.goto(urls["file"]!);
  expect(await page.title()).toBe(longName);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Download" }).click(),
  ]);
  expect(download.suggestedFilename()).toBe(longName);
  await page.reload();
  expect(await page.locator("dl").innerText()).toMatch(/Downloads left\s+2/);
  await context.close();
}, 60_000);

test("the pages ask no other host for anything and break no rule of their policy", () => {
  expect(open.requested.length).toBeGreaterThan(20);
  expect(
    open.requested.filter((url) => !url.startsWith("data:") && !url.startsWith(`${server.url}/s/`)),
  ).toEqual([]);
  // Browsers complain about links that are over, or that there never were.
  expect(open.complaints.filter((complaint) => !/status of (404|410)/.test(complaint))).toEqual([]);
});
