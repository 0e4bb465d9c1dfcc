import { Elysia } from "elysia";
import { plain } from "../../http/answer";
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
