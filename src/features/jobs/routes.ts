import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { accepted, plain } from "../../http/answer";
import type { HttpKit } from "../../http/kit";
import { IdParams, NoBody, PageOf } from "../../http/schema";
import { jobFields } from "./fields";
import { JobView } from "./schema";
import type { JobService } from "./service";

/** Nobody's walk through the API comes by a job. */
const walk = { needs: ["jobs_id"] };

/** Work that goes on after the answer: how far it is. */
export const jobRoutes = (kit: HttpKit, jobs: JobService) =>
  new Elysia({ prefix: "/api", tags: ["Jobs"] })
    .use(kit)
    .get("/jobs/:id", ({ actor, params }) => jobs.get(actor, params.id), {
      permission: "jobs.read",
      params: IdParams,
      returns: JobView,
      walk,
      detail: { summary: "How far a job is" },
    })
    .get(
      "/jobs/:id/errors.csv",
      async ({ actor, params, set }) => {
        const texts = await jobs.problems(actor, params.id);
        set.headers["content-type"] = "text/csv; charset=utf-8; header=present";
        set.headers["content-disposition"] = `attachment; filename="errors-${params.id}.csv"`;
        return new Response(streamOf(texts));
      },
      {
        permission: "jobs.read",
        params: IdParams,
        returns: Type.String({ title: "JobErrors", contentMediaType: "text/csv" }),
        walk,
        detail: { summary: "What a job left out, and why" },
      },
    )
    .post("/jobs/:id/cancel", ({ actor, params }) => jobs.cancel(actor, params.id), {
      permission: "jobs.read",
      params: IdParams,
      body: NoBody,
      answer: plain,
      returns: JobView,
      problems: ["job_ended"],
      example: {},
      walk,
      detail: { summary: "End a job; what it did stays" },
    })
    .post("/jobs/:id/undo", ({ actor, params }) => jobs.undo(actor, params.id), {
      permission: "jobs.read",
      params: IdParams,
      body: NoBody,
      answer: accepted,
      returns: JobView,
      problems: ["job_not_undoable"],
      example: {},
      walk,
      detail: { summary: "Take back what a job did, except what somebody changed since" },
    })
    .get("/admin/jobs", ({ actor, list }) => jobs.list(actor, list), {
      permission: "jobs.manage",
      list: jobFields,
      returns: PageOf(JobView),
      detail: { summary: "List the jobs" },
    })
    .post("/admin/jobs/:id/retry", ({ actor, params }) => jobs.retry(actor, params.id), {
      permission: "jobs.manage",
      params: IdParams,
      body: NoBody,
      answer: plain,
      returns: JobView,
      problems: ["job_not_failed", "already_exists"],
      example: {},
      walk,
      detail: { summary: "Have a job that failed tried again" },
    });

const utf8 = new TextEncoder();

/** Texts as the body of an answer, each made when it is taken. */
const streamOf = (texts: AsyncGenerator<string>) =>
  new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = await texts.next();
      if (done) controller.close();
      else controller.enqueue(utf8.encode(value));
    },
    cancel: () => void texts.return(undefined),
  });
