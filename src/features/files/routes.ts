import { Elysia } from "elysia";
import { Type } from "@sinclair/typebox";
import { previewSizes, type PreviewSize } from "../../contents/contents";
import { created, fileReading, notYet, plain, unrepeatable } from "../../http/answer";
import { sendDownload } from "../../http/download";
import type { HttpKit } from "../../http/kit";
import { searchOf } from "../../list";
import { readForm, type FormLimits } from "../../http/multipart";
import { problemOf } from "../../http/problem";
import { asOf, recordRoutes } from "../../http/record-routes";
import { assertFits } from "../../http/refusals";
import { IdParams, NoBody } from "../../http/schema";
import type { Actor } from "../../policy";
import type { TicketService } from "../auth/ticket-service";
import { fileFields } from "./fields";
import {
  BatchForm,
  BatchResult,
  DownloadUrl,
  FileDetails,
  FileMetadata,
  FilePatch,
  FileView,
  StorageUsage,
  UploadForm,
} from "./schema";
import type { FileService } from "./service";
import type { ReadFiles, Uploads } from "./uploads";

/** What the routes of files need. */
export interface FileRouteOptions {
  files: FileService;
  uploads: Uploads;
  tickets: TicketService;
  /** How many files one form may have. */
  mostAtOnce: () => number;
  /** An address of this server that people can be sent to, by its path. */
  linkTo(path: string): string;
}

/** Fields of a form besides its files: more than there are, so that unknown ones are named. */
const formLimits = { fields: 20, fieldBytes: 100_000 };

/** The longest that a connection may be silent, in seconds: a large file is synced before anything is answered. */
const patience = 255;

const DownloadQuery = Type.Object({
  ticket: Type.String({ description: "a ticket, where no Authorization header can be sent" }),
});

const size = Type.String({
  pattern: `^(${Object.keys(previewSizes).join("|")})$`,
  code: "invalid_choice",
  description: `One of ${Object.keys(previewSizes).join(", ")}: no side is longer than ${Object.values(previewSizes).join(", ")} pixels.`,
});
const ThumbnailQuery = Type.Object({ size });
const PreviewQuery = Type.Object({ size, ...DownloadQuery.properties });

/** Files over HTTP. */
export function fileRoutes(kit: HttpKit, options: FileRouteOptions) {
  const { files } = options;
  const routes = recordRoutes("files", { noun: "file", view: FileView, unique: [] });
  return new Elysia({ prefix: "/api", tags: ["Files"] })
    .use(kit)
    .use(uploadRoutes(kit, options))
    .get("/files", ({ actor, list }) => files.list(actor, list), { ...routes.list, list: fileFields })
    .get("/files/search", ({ actor, list }) => files.list(actor, list), {
      ...routes.list,
      list: searchOf(fileFields),
      detail: {
        summary: "Search the files you may see",
        description: "By their names, their descriptions, and the text in them.",
      },
      walk: { query: "q=offer" },
    })
    .get(
      "/files/:id",
      ({ actor, params, parameters }) => files.get(actor, params.id, asOf(parameters, actor)),
      routes.read,
    )
    .patch(
      "/files/:id",
      ({ actor, params, body, ifMatch }) => files.change(actor, params.id, body, ifMatch),
      { ...routes.change, body: FilePatch, example: { name: "Offer 2027.txt", description: "As agreed." } },
    )
    .use(downloadRoutes(kit, options))
    .use(contentRoutes(kit, options))
    .delete(
      "/files/:id",
      ({ actor, params, ifMatch }) => files.delete(actor, params.id, ifMatch),
      routes.delete,
    )
    .post("/files/:id/restore", ({ actor, params, ifMatch }) => files.restore(actor, params.id, ifMatch), {
      ...routes.restore,
      problems: ["folder_deleted"],
    })
    .get("/analytics/storage-usage", ({ actor }) => files.usage(actor), {
      permission: "files.read",
      returns: StorageUsage,
      detail: { summary: "How much room files take, of those you may see" },
    });
}

const uploadProblems = ["file_too_large", "file_type_refused", "quota_exceeded"] as const;

function uploadRoutes(kit: HttpKit, { uploads, mostAtOnce }: FileRouteOptions) {
  return new Elysia()
    .use(kit)
    .post(
      "/files/upload",
      ({ actor, request, server }) => {
        server?.timeout(request, patience);
        return uploads.one(actor, reading(request, { ...formLimits, files: 2 }));
      },
      {
        form: UploadForm,
        permission: "files.create",
        feature: "uploads",
        answer: unrepeatable(created("/api/files")),
        returns: FileView,
        problems: uploadProblems,
        example: {
          file: { name: "Offer.txt", content: "Forty hours, as agreed on the phone." },
          client_id: "{{clients_id}}",
          description: "What we offered",
        },
        walk: { keeps: { files_id: "answer.id" } },
        detail: { summary: "Upload a file" },
      },
    )
    .post(
      "/files/batch-upload",
      async ({ actor, request, server }) => {
        server?.timeout(request, patience);
        return resultOf(
          actor,
          new URL(request.url).pathname,
          await uploads.many(actor, reading(request, { ...formLimits, files: mostAtOnce() })),
        );
      },
      {
        form: BatchForm,
        permission: "files.create",
        feature: "uploads",
        answer: unrepeatable(plain),
        returns: BatchResult,
        example: { files: { name: "Minutes.txt", content: "Present: Ada, Bjørn." } },
        detail: {
          summary: "Upload many files",
          description: "Each by itself: those that are refused have a `problem`, the others are there.",
        },
      },
    );
}

function downloadRoutes(kit: HttpKit, { files, tickets, linkTo }: FileRouteOptions) {
  const linkBy = async (actor: Actor, purpose: "download" | "preview", id: string, address: string) => {
    const { ticket, expires_in } = await tickets.issue(actor, { purpose, resource_id: id });
    return { download_url: linkTo(`${address}ticket=${ticket}`), expires_in };
  };
  return new Elysia()
    .use(kit)
    .get(
      "/files/:id/download",
      async ({ actor, params, request, set, server }) => {
        server?.timeout(request, patience);
        return sendDownload(request, set, await files.download(actor, params.id));
      },
      {
        permission: "files.read",
        params: IdParams,
        parameters: DownloadQuery,
        ticket: "download",
        returns: Type.String({ title: "FileBytes", contentMediaType: "application/octet-stream" }),
        problems: ["range_not_satisfiable", "invalid_etag"],
        detail: {
          summary: "The bytes of a file",
          description:
            "Takes `Range`, `If-Range` and `If-None-Match`. Always to be saved, never to be shown.",
          responses: {
            206: { description: "The part that `Range` asks for." },
            304: { description: "You have these bytes." },
          },
        },
      },
    )
    .get(
      "/files/:id/download-url",
      async ({ actor, params: { id } }) => {
        await files.get(actor, id);
        return linkBy(actor, "download", id, `/api/files/${id}/download?`);
      },
      {
        permission: "files.read",
        params: IdParams,
        returns: DownloadUrl,
        detail: { summary: "Where a file can be downloaded without an Authorization header" },
      },
    )
    .get(
      "/files/:id/thumbnail-url",
      async ({ actor, params: { id }, parameters: { size = "small" } }) => {
        await files.preview(actor, id, size as PreviewSize);
        return linkBy(actor, "preview", id, `/api/files/preview/${id}?size=${size}&`);
      },
      {
        permission: "files.read",
        params: IdParams,
        parameters: ThumbnailQuery,
        returns: DownloadUrl,
        problems: ["preview_unavailable"],
        walk: { needs: ["preview_id"] },
        detail: {
          summary: "Where a picture of a file can be shown without an Authorization header",
          description: "Also while it is made: until then that address answers 202.",
        },
      },
    );
}

function contentRoutes(kit: HttpKit, { files }: FileRouteOptions) {
  return new Elysia()
    .use(kit)
    .get("/files/:id/metadata", ({ actor, params }) => files.metadata(actor, params.id), {
      permission: "files.read",
      params: IdParams,
      returns: FileMetadata,
      detail: {
        summary: "What stands in a file",
        description:
          "Found by a job after the upload, the same once for all files with these bytes: the size of images and what their camera wrote, pages, title, author and text of documents.",
      },
    })
    .get(
      "/files/preview/:id",
      async ({ actor, params, parameters: { size = "medium" }, request, set }) => {
        const shown = await files.preview(actor, params.id, size as PreviewSize);
        return shown === "pending" ? notYet(set) : sendDownload(request, set, shown);
      },
      {
        permission: "files.read",
        params: IdParams,
        parameters: PreviewQuery,
        ticket: "preview",
        returns: Type.String({ title: "Picture", contentMediaType: "image/webp" }),
        problems: ["preview_unavailable", "range_not_satisfiable", "invalid_etag"],
        walk: { needs: ["preview_id"] },
        detail: {
          summary: "A picture of a file",
          description:
            "Of JPEG, PNG, WebP, GIF and BMP: upright, in WebP, without what the camera wrote. Takes `If-None-Match`.",
          responses: {
            202: { description: "It is being made: ask again after `Retry-After`." },
            206: { description: "The part that `Range` asks for." },
            304: { description: "You have this picture." },
          },
        },
      },
    )
    .post("/files/:id/metadata", ({ actor, params }) => files.readAgain(actor, params.id), {
      permission: "files.update",
      params: IdParams,
      body: NoBody,
      example: {},
      answer: fileReading,
      returns: FileMetadata,
      detail: {
        summary: "Read a file again",
        description: "200 for a file of a kind that is not read.",
      },
    });
}

/** Reads a form: what is no file in it says where the files belong. Ids that are left empty, as browsers do, are none. */
const reading =
  (request: Request, limits: FormLimits): ReadFiles =>
  async (take) => {
    const fields = await readForm(request, limits, take);
    return assertFits(FileDetails, Object.fromEntries([...fields].filter(([, text]) => text !== "")));
  };

function resultOf(
  { requestId }: Actor,
  path: string,
  outcomes: Awaited<ReturnType<Uploads["many"]>>,
): BatchResult {
  const data = outcomes.map((outcome) =>
    "file" in outcome
      ? { name: outcome.name, file: outcome.file, problem: null }
      : { name: outcome.name, file: null, problem: problemOf(outcome.refusal, path, requestId) },
  );
  const uploaded = data.filter(({ file }) => file !== null).length;
  return { uploaded, failed: data.length - uploaded, data };
}
