import { Type, type TObject } from "@sinclair/typebox";
import { Elysia } from "elysia";
import { now } from "../../clock";
import type { Walk } from "../../db/list-walk";
import type { ResponseSet } from "../../http/answer";
import { exportFormats, type Exported, type ExportFormat, type ExportRequest } from "../../http/exported";
import type { HttpKit } from "../../http/kit";
import type { ListRequest } from "../../list";
import type { Actor, Permission } from "../../policy";
import { activityFields } from "../activities/fields";
import { ActivityView } from "../activities/schema";
import { clientFields } from "../clients/fields";
import { ClientView } from "../clients/schema";
import { taskFields } from "../tasks/fields";
import { TaskView } from "../tasks/schema";
import type { ExportService } from "./service";
import { writerOf, type View } from "./writers";

/** What walks through records, as their lists show them. */
interface Walked {
  walk(actor: Actor, request: ListRequest): Promise<Walk<View>>;
}

/** The part of Elysia's context that an export works on. */
interface Context {
  actor: Actor;
  wanted: ExportRequest;
  request: Request;
  server: { timeout(request: Request, seconds: number): void } | null;
  set: ResponseSet;
}

const mediaTypes: Record<ExportFormat, string> = {
  csv: "text/csv; charset=utf-8; header=present",
  json: "application/json",
  ndjson: "application/x-ndjson",
};

/** Whole lists as files. */
export function exportRoutes(
  kit: HttpKit,
  exports: ExportService,
  sources: Record<"clients" | "tasks" | "activities", Walked>,
) {
  const send = async (
    name: keyof typeof sources,
    view: TObject,
    { actor, wanted, request, server, set }: Context,
  ) => {
    const saveAs = fileName(name, wanted.format, actor);
    const begun =
      request.method !== "HEAD" &&
      (await exports.begin(actor, () => sources[name].walk(actor, wanted.list), writerOf(wanted, view)));
    set.headers["content-type"] = mediaTypes[wanted.format];
    set.headers["content-disposition"] = `attachment; filename="${saveAs}"`;
    if (!begun) return "";
    server?.timeout(request, 0);
    return new Response(begun);
  };
  return new Elysia({ prefix: "/api/export", tags: ["Export"] })
    .use(kit)
    .get(
      "/clients",
      ({ actor, wanted, request, server, set }) =>
        send("clients", ClientView, { actor, wanted, request, server, set }),
      declared("clients", { fields: clientFields, view: ClientView }),
    )
    .get(
      "/tasks",
      ({ actor, wanted, request, server, set }) =>
        send("tasks", TaskView, { actor, wanted, request, server, set }),
      declared("tasks", { fields: taskFields, view: TaskView }),
    )
    .get(
      "/activities",
      ({ actor, wanted, request, server, set }) =>
        send("activities", ActivityView, { actor, wanted, request, server, set }),
      declared("activities", { fields: activityFields, view: ActivityView }),
    );
}

const declared = (name: "clients" | "tasks" | "activities", exported: Exported) =>
  ({
    permission: `${name}.read` satisfies Permission,
    feature: "exports",
    exported,
    ticket: "download",
    returns: Type.String({ title: `${exported.view.title}Export`, contentMediaType: "text/csv" }),
    problems: ["too_many_exports"],
    detail: {
      summary: `Export the ${name} you may see`,
      description: `Every record of the list, in its order, as ${exportFormats.join(", ")}. A file that is not whole ends with the connection broken off.`,
    },
  }) as const;

/** Such as `clients-2026-05-04.csv`, by the day where the caller is. */
const fileName = (name: string, format: ExportFormat, { timeZone }: Actor): string => {
  const today = Temporal.Instant.fromEpochMilliseconds(now()).toZonedDateTimeISO(timeZone).toPlainDate();
  return `${name}-${today.toString()}.${format}`;
};
