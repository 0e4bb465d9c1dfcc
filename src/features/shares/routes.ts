import { Elysia } from "elysia";
import { noContent, shareCreated, unrepeatable } from "../../http/answer";
import type { HttpKit } from "../../http/kit";
import { IdParams, NoBody, PageOf } from "../../http/schema";
import { shareFields } from "./fields";
import { NewShareView, ShareInput, ShareParams, ShareView } from "./schema";
import type { ShareService } from "./service";

/** Links to files, for those who may share them. */
export const shareRoutes = (kit: HttpKit, shares: ShareService) =>
  new Elysia({ prefix: "/api/files", tags: ["Files"] })
    .use(kit)
    .get("/:id/share", ({ actor, params, list }) => shares.list(actor, params.id, list), {
      permission: "files.update",
      params: IdParams,
      list: shareFields,
      returns: PageOf(ShareView),
      detail: { summary: "List the links to a file; where they lead is not among it" },
    })
    .post("/:id/share", ({ actor, params, body }) => shares.create(actor, params.id, body), {
      permission: "files.update",
      feature: "shares",
      params: IdParams,
      body: ShareInput,
      answer: unrepeatable(shareCreated),
      returns: NewShareView,
      problems: ["too_many_shares"],
      example: { expires_at: "2099-05-04T09:00:00Z", max_downloads: 5 },
      walk: { keeps: { share_id: "answer.id", token: "answer.token" } },
      detail: {
        summary: "Make a link to a file, for people outside",
        description:
          "Without `expires_at` it is good for as many days as the setting `shares.days` says; `null` is for good. " +
          "`view_only` shows an image and gives no file away. The link ends with your right to share the file: when it " +
          "is deleted, when it is taken from you, or when your account is closed.",
      },
    })
    .delete("/:id/share/:share_id", ({ actor, params }) => shares.revoke(actor, params.id, params.share_id), {
      permission: "files.update",
      params: ShareParams,
      body: NoBody,
      answer: noContent,
      example: {},
      walk: { last: true },
      detail: { summary: "End a link to a file" },
    });
