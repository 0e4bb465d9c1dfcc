import type { ResponseSet } from "../http/answer";

/** Text that is HTML already. */
export class Html {
  constructor(readonly text: string) {}
}

type Part = string | number | Html | undefined | readonly Html[];

/** Writes HTML: what is put into it is escaped unless it is `Html` itself, and `undefined` is nothing. */
export const html = (texts: TemplateStringsArray, ...parts: Part[]): Html =>
  new Html(texts.reduce((whole, text, i) => whole + textOf(parts[i - 1]) + text));

function textOf(part: Part): string {
  if (part === undefined) return "";
  if (part instanceof Html) return part.text;
  if (typeof part === "object") return part.map(({ text }) => text).join("");
  return Bun.escapeHTML(part);
}

/** A page that is made for one request, and the policy that it is shown under. */
export interface Page {
  html: Html;
  policy: string;
}

/** Whether who asks sits before a browser: only those name HTML. */
export const wantsPage = (request: Request): boolean =>
  /\btext\/html\b/i.test(request.headers.get("accept") ?? "");

/** Answers with a page. */
export function sendPage(set: ResponseSet, page: Page, status?: number): string {
  if (status !== undefined) set.status = status;
  set.headers["content-type"] = "text/html; charset=utf-8";
  set.headers["content-security-policy"] = page.policy;
  return page.html.text;
}
