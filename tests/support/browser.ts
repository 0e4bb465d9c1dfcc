import { chromium, type Browser, type Page } from "playwright-core";

/** What a page did that nobody sees. */
export interface Watched {
  page: Page;
  /** Every URL that it asked for. */
  requested: string[];
  /** Errors and warnings in its console, which are also where a violated policy shows. */
  complaints: string[];
}

/** Starts the system's Chromium, or the one that `playwright-core install chromium` brought; without a window. */
export const startBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: Bun.which("chromium") ?? chromium.executablePath(),
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
  });

/** Opens a page and watches what it does. */
export async function watchedPage(browser: Browser): Promise<Watched> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
  const requested: string[] = [];
  const complaints: string[] = [];
  page.on("request", (request) => requested.push(request.url()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  return { page, requested, complaints };
}
