import { isoTime } from "../../clock";
import type { PictureState } from "../../features/files/contents";
import type { Opened } from "../../features/shares/visits";
import type { Problem } from "../../http/problem";
import { Html, html, type Page } from "../html";
import { sizeOf, typeName } from "./words";
import style from "./style.css" with { type: "text" };

/** As a whole: the policy names the hash of what stands between the tags. */
const styleTag = new Html(`<style>${style}</style>`);

const hashOf = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest("base64");

/** The pages run nothing and load nothing but the picture of the file; their style is known by its hash. */
const policy = [
  "default-src 'none'",
  `style-src 'sha256-${hashOf(style)}'`,
  "img-src 'self' data:",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

const mark =
  "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32' aria-hidden='true'><rect width='32' height='32' rx='8' fill='#0b6e4f'/><path d='M10 23V9l12 14V9' fill='none' stroke='white' stroke-width='3.2' stroke-linecap='round' stroke-linejoin='round'/></svg>";

const logo = new Html(mark);

/** The page of a shared file. @param path of its link */
export function sharedPage(path: string, shared: Opened): Page {
  const { share, file, sharedBy, picture } = shared;
  const size = sizeOf(file.file_size);
  return page(
    file.name,
    html`${
        picture === "ready"
          ? html`<img class="preview" src="${path}/preview" alt="${`The file ${file.name}`}" />`
          : icons.file
      }
      <h1>${file.name}</h1>
      <p class="lead">${typeName(file.file_type)}, ${size}</p>
      ${picture === "pending" ? pendingNote(path) : undefined}
      ${
        share.view_only
          ? html`<p class="note">${viewOnlyNotes[picture]}</p>`
          : html`<a class="button" href="${path}/download">Download</a>`
      }
      <dl>
        <dt>Shared by</dt>
        <dd>${sharedBy}</dd>
        <dt>Available</dt>
        <dd>${share.expires_at === null ? "without a time limit" : until(share.expires_at)}</dd>
        ${
          share.max_downloads === null
            ? undefined
            : html`<dt>Downloads left</dt>
                <dd>${share.max_downloads - share.downloads}</dd>`
        }
      </dl>`,
    caution,
  );
}

const pendingNote = (path: string) =>
  html`<p class="note" role="status">
    A picture of it is being made. <a href="${path}">Look again</a> in a moment.
  </p>`;

const viewOnlyNotes: Record<PictureState, string> = {
  ready: "You can look at this file. It is not offered for download.",
  pending: "This file is not offered for download.",
  unavailable: "This file is not offered for download, and there is no picture of it to look at.",
};

/** The form for the password of a link. @param wrong what was wrong with the one that was sent */
export const passwordPage = (path: string, wrong?: string): Page =>
  page(
    "A shared file with a password",
    html`${icons.lock}
      <h1>This file has a password</h1>
      <p class="lead">Whoever sent you the link can tell you.</p>
      <form method="post" action="${path}">
        ${wrong === undefined ? undefined : html`<p class="wrong" id="wrong" role="alert">${wrong}</p>`}
        <label for="password">Password</label>
        <input
          id="password"
          name="password"
          type="password"
          autocomplete="off"
          maxlength="1024"
          required
          autofocus
          ${wrong === undefined ? undefined : new Html('aria-invalid="true" aria-describedby="wrong"')}
        />
        <button class="button">Open</button>
      </form>`,
  );

/** How a browser is shown a problem with a link; `undefined` where it is about none. */
export function shareProblemPage(path: string, problem: Problem): Page | undefined {
  const [link] = /^\/s\/[^/]+/.exec(path) ?? [];
  if (link === undefined) return undefined;
  if (problem.code === "share_password_required") return passwordPage(link);
  if (problem.code === "wrong_share_password") return passwordPage(link, problem.detail);
  const { title, text, icon } = sayings[problem.code] ?? {
    ...{ title: problem.title, text: problem.detail, icon: icons.over },
  };
  return page(
    title,
    html`${icon}
      <h1>${title}</h1>
      <p class="lead">${text}</p>`,
  );
}

const icon = (path: string, kind = "icon") =>
  new Html(
    `<svg class="${kind}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="${path}"/></svg>`,
  );

const icons = {
  file: icon(
    "M14 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8zM14 3v5h5M12 11.5v6M9.5 15l2.5 2.5 2.5-2.5",
  ),
  lock: icon(
    "M7 11V8a5 5 0 0 1 10 0v3M6 11h12a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1v-8a1 1 0 0 1 1-1zM12 15v2.5",
  ),
  over: icon("M9 17H7A5 5 0 0 1 7 7h1M15 7h2a5 5 0 0 1 3.5 8.6M8 12h4M3 3l18 18", "icon over"),
  wait: icon("M12 7v5l3 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z", "icon over"),
};

/** What people are told in other words than programs. */
const sayings: Partial<Record<Problem["code"], { title: string; text: string; icon: Html }>> = {
  not_found: {
    title: "There is nothing here",
    text: "Check that the link is whole: mail programs sometimes break long ones.",
    icon: icons.over,
  },
  share_ended: {
    title: "This link no longer works",
    text: "Its time is over, it was used as often as it may be, or it was withdrawn. Ask whoever sent it for a new one.",
    icon: icons.over,
  },
  view_only: {
    title: "Only to look at",
    text: "This file can be looked at, but not downloaded.",
    icon: icons.lock,
  },
  too_many_failures: {
    title: "Too many wrong passwords",
    text: "Wait a minute, then try again.",
    icon: icons.wait,
  },
  rate_limited: { title: "Too many requests", text: "Wait a minute, then try again.", icon: icons.wait },
  busy: {
    title: "A moment, please",
    text: "The server is busy. Try again in a few seconds.",
    icon: icons.wait,
  },
};

const caution = html`<footer>Open files only when you know who sent them.</footer>`;

const page = (title: string, content: Html, footer?: Html): Page => ({
  policy,
  html: html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex, nofollow" />
        <meta name="referrer" content="no-referrer" />
        <title>${title}</title>
        <link rel="icon" href="data:image/svg+xml,${new Html(mark.replaceAll("#", "%23"))}" />
        ${styleTag}
      </head>
      <body>
        <header>${logo}Neo CRM</header>
        <main>${content}</main>
        ${footer}
      </body>
    </html> `,
});

let format: Intl.DateTimeFormat | undefined;

/** The first format in a process loads megabytes of the world's calendars. */
const dayOf = (instant: number): string => {
  format ??= new Intl.DateTimeFormat("en-GB", {
    ...{ day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit" },
    timeZone: "UTC",
  });
  return format.format(instant).replace(" at ", ", ");
};

const until = (instant: number): Html =>
  html`until <time datetime="${isoTime(instant)}">${dayOf(instant)} UTC</time>`;
