import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { second } from "../../clock";
import { Refusal } from "../../errors";
import { notYet, seeOther, unrepeatable, type ResponseSet } from "../../http/answer";
import { callOf } from "../../http/call";
import { sendDownload } from "../../http/download";
import type { Transport } from "../../http/edge";
import type { HttpKit } from "../../http/kit";
import { sendPage } from "../../web/html";
import { passwordPage, sharedPage } from "../../web/share/page";
import { passMs, type ShareVisits, type Visitor } from "./visits";
import { SharePassword, TokenParams } from "./schema";

/** What the routes of links need. */
export interface LinkRouteOptions {
  visits: ShareVisits;
  /** How browsers reach the server. */
  transport: Pick<Transport, "publicUrl">;
}

/** Where links lead. */
export const linkPath = (token: string): string => `/s/${token}`;

/** The longest that a connection may be silent, in seconds. */
const patience = 255;

const passwordHeader = "x-share-password";

const headerNote =
  "Where the link has a password, send it as `X-Share-Password` in UTF-8, or open the page with its form first.";

/** What all of them may answer with. */
const closed = [
  "share_ended",
  "share_password_required",
  "wrong_share_password",
  "too_many_failures",
] as const;

/** Files behind links, for whoever has one: a page that works without scripts, and what it leads to. */
export const linkRoutes = (kit: HttpKit, { visits, transport }: LinkRouteOptions) =>
  new Elysia({ prefix: "/s", tags: ["Share links"] })
    .use(kit)
    .get(
      "/:token",
      async ({ params, request, set }) => {
        hideFromRobots(set);
        const visitor = visitorOf(request);
        const path = linkPath(params.token);
        try {
          const shared = await visits.open(params.token, visitor, request.method === "GET");
          return sendPage(set, sharedPage(path, shared));
        } catch (error) {
          if (!isRefusal(error, "share_password_required")) throw error;
          return sendPage(set, passwordPage(path));
        }
      },
      {
        permission: "public",
        feature: "shares",
        params: TokenParams,
        returns: Type.String({ title: "SharedFilePage", contentMediaType: "text/html" }),
        problems: closed,
        detail: {
          summary: "The page of a shared file",
          description: `With the form for its password, where it has one. ${headerNote}`,
        },
      },
    )
    .post(
      "/:token",
      async ({ params, body, request, set }) => {
        hideFromRobots(set);
        const path = linkPath(params.token);
        const pass = await visits.unlock(params.token, body.password, visitorOf(request));
        if (pass !== undefined)
          keepPass(set, request, { kind: "open", pass, path, publicUrl: transport.publicUrl });
        set.headers["location"] = path;
        return "";
      },
      {
        webForm: true,
        permission: "public",
        feature: "shares",
        params: TokenParams,
        body: SharePassword,
        answer: unrepeatable(seeOther),
        problems: [...closed, "malformed_form"],
        example: { password: "a phrase for whoever gets it" },
        detail: {
          summary: "Give the password of a shared file",
          description:
            "What the page's form sends; taken as `application/x-www-form-urlencoded` too. Leads back to the page with a " +
            "cookie that stands for the password, for an hour and this link alone.",
        },
      },
    )
    .get(
      "/:token/download",
      async ({ params, request, set, server }) => {
        server?.timeout(request, patience);
        hideFromRobots(set);
        const path = linkPath(params.token);
        const download = await visits.download(params.token, visitorOf(request), (pass) =>
          keepPass(set, request, { kind: "resume", pass, path, publicUrl: transport.publicUrl }),
        );
        const answer = await sendDownload(request, set, download);
        return withHeaders(set, answer, { "cache-control": "no-store" });
      },
      {
        permission: "public",
        feature: "shares",
        params: TokenParams,
        returns: Type.String({ title: "SharedBytes", contentMediaType: "application/octet-stream" }),
        problems: [...closed, "view_only", "range_not_satisfiable", "invalid_etag"],
        detail: {
          summary: "The bytes of a shared file",
          description: `Takes \`Range\`, \`If-Range\` and \`If-None-Match\`. A download counts when its first byte is sent; with the cookie that comes with it, the rest can be fetched within a day without counting again. ${headerNote}`,
          responses: {
            206: { description: "The part that `Range` asks for." },
            304: { description: "You have these bytes." },
          },
        },
      },
    )
    .get(
      "/:token/preview",
      async ({ params, request, set }) => {
        hideFromRobots(set);
        const picture = await visits.preview(params.token, visitorOf(request));
        const answer = picture === "pending" ? notYet(set) : await sendDownload(request, set, picture);
        return withHeaders(set, answer, {
          ...{ "cache-control": "no-store", "content-disposition": "inline" },
        });
      },
      {
        permission: "public",
        feature: "shares",
        params: TokenParams,
        returns: Type.String({ title: "SharedImage", contentMediaType: "image/webp" }),
        problems: [...closed, "preview_unavailable", "range_not_satisfiable", "invalid_etag"],
        walk: { needs: ["image_token"] },
        detail: {
          summary: "A picture of a shared file",
          description: `The large preview of an image. ${headerNote}`,
          responses: {
            202: { description: "It is being made: ask again after `Retry-After`." },
            206: { description: "The part that `Range` asks for." },
            304: { description: "You have this picture." },
          },
        },
      },
    );

const isRefusal = (error: unknown, code: Refusal["code"]): error is Refusal =>
  error instanceof Refusal && error.code === code;

/** Who came, with what they brought to show that they may. */
function visitorOf(request: Request): Visitor {
  const { id, address } = callOf(request);
  const password = request.headers.get(passwordHeader);
  return {
    ...{ requestId: id, address },
    password: password === null ? null : asUtf8(password),
    passes: { open: cookieOf(request, cookieNames.open), resume: cookieOf(request, cookieNames.resume) },
  };
}

/** Headers come as bytes, which are taken for Latin-1. */
function asUtf8(header: string): string {
  if (!/^[\0-\xff]*$/.test(header)) return header;
  const text = Buffer.from(header, "latin1").toString("utf8");
  return text.includes("\ufffd") ? header : text;
}

const cookieNames = { open: "neocrm_share", resume: "neocrm_share_download" } as const;

function cookieOf(request: Request, name: string): string | null {
  const all = (request.headers.get("cookie") ?? "").split(/; */);
  return all.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1) ?? null;
}

interface Kept {
  kind: keyof typeof passMs;
  pass: string;
  path: string;
  publicUrl: string | null;
}

/** Has the browser keep a pass: for this link alone, out of reach for scripts, and sent to nobody from other pages' forms. */
function keepPass(set: ResponseSet, request: Request, { kind, pass, path, publicUrl }: Kept): void {
  const isSecure = callOf(request).isSecure || publicUrl?.startsWith("https:") === true;
  set.headers["set-cookie"] =
    `${cookieNames[kind]}=${pass}; Path=${path}; Max-Age=${passMs[kind] / second}; HttpOnly; SameSite=Lax` +
    (isSecure ? "; Secure" : "");
}

/** No search engine keeps what is behind a link, nor that there is one. */
function hideFromRobots(set: ResponseSet): void {
  set.headers["x-robots-tag"] = "noindex, nofollow";
}

function withHeaders(set: ResponseSet, response: Response, headers: Record<string, string>): Response {
  Object.assign(set.headers, headers);
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  return response;
}
