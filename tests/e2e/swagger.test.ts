import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { startBinary, type RunningBinary } from "../support/binary";
import { startBrowser, watchedPage, type Watched } from "../support/browser";

const admin = { email: "ada@example.com", password: "a long enough phrase" };

let server: RunningBinary;
let browser: Browser;
let open: Watched;

beforeAll(async () => {
  const env = { NEOCRM_ADMIN_EMAIL: admin.email, NEOCRM_ADMIN_PASSWORD: admin.password };
  [server, browser] = await Promise.all([startBinary({ env }), startBrowser()]);
  open = await watchedPage(browser);
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

test("the page signs in, tries an endpoint out, and shows the answer", async () => {
  const { page } = open;
  await page.goto(`${server.url}/swagger`);
  expect(await page.title()).toBe("Neo CRM API");

  const login = await page.request.post(`${server.url}/api/auth/login`, { data: admin });
  await page.locator(".scheme-container .btn.authorize").click();
  await page.locator("#auth-bearer-value").fill((await login.json()).access_token);
  await page.locator(".modal-ux .btn.authorize").click();
  await page.locator(".modal-ux .btn-done").click();

  const operation = page.locator("#operations-Clients-postClients");
  await operation.locator(".opblock-summary-control").click();
  await operation.locator(".btn.execute").click();
  const answer = operation.locator(".live-responses-table .response");
  await answer.waitFor();
  expect(await answer.locator(".response-col_status").innerText()).toStartWith("201");
  expect(await answer.locator(".response-col_description").innerText()).toContain('"name": "Bjørn Hansen"');
}, 60_000);

test("it asks no other host for anything and breaks no rule of its policy", () => {
  expect(open.requested.length).toBeGreaterThan(6);
  expect(open.requested.filter((url) => !url.startsWith(`${server.url}/`))).toEqual([]);
  expect(open.complaints).toEqual([]);
});

test("its files may be kept for good, and the page itself is asked for again", async () => {
  const ask = async (path: string) => {
    const { status, headers } = await fetch(server.url + path);
    return [status, headers.get("cache-control"), headers.get("ratelimit")];
  };
  expect(await ask("/swagger")).toEqual([200, "no-cache", null]);
  const assets = open.requested
    .map((url) => new URL(url).pathname)
    .filter((path) => path.includes("/assets/"));
  expect(assets.length).toBeGreaterThan(3);
  for (const path of assets)
    expect(await ask(path)).toEqual([200, expect.stringContaining("immutable"), null]);
  expect((await fetch(`${server.url}/swagger/assets/start.0.js`)).status).toBe(404);
});

test("its policy allows no script or style within the page", async () => {
  const policy = (await fetch(`${server.url}/swagger`)).headers.get("content-security-policy");
  expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
  expect(policy).not.toContain("unsafe");
});

test("a document that is known already is not sent again", async () => {
  const first = await fetch(`${server.url}/swagger/json`);
  const headers = { "if-none-match": first.headers.get("etag")! };
  const again = await fetch(`${server.url}/swagger/json`, { headers });
  expect([again.status, await again.text()]).toEqual([304, ""]);
});
