import { Elysia } from "elysia";
import { accepted, unrepeatable } from "../../http/answer";
import { refuseCoding } from "../../http/body";
import type { HttpKit } from "../../http/kit";
import { readForm } from "../../http/multipart";
import type { Parameters } from "../../http/parameters";
import { Invalid } from "../../errors";
import { JobView } from "../jobs/schema";
import { ImportForm, ImportQuery } from "./schema";
import type { ImportService, ReadImport } from "./service";

/** Fields of a form besides its file, and bytes of one: a mapping may translate many values. */
const formLimits = { files: 2, fields: 20, fieldBytes: 100_000 };

/** The longest that a connection may be silent, in seconds: a large file is synced before anything is answered. */
const patience = 255;

const description =
  "Takes a form with a `file`, or the CSV itself as `text/csv` with the rest in the query. Encoding, delimiter and headers are " +
  "found out; what came of that stands in `result`. A job does it: each row by the rules of a single record and with an event " +
  "of its own. What could not be taken stands in `errors.csv` of the job, by line and column; `undo` takes all of it back.";

/** Of a permission: whoever may not is told so before anything else. */
const shared = (permission: "clients.create" | "tasks.create") =>
  ({
    form: ImportForm,
    permission,
    feature: "imports",
    orText: "text/csv",
    parameters: ImportQuery,
    answer: unrepeatable(accepted),
    returns: JobView,
    problems: ["file_too_large", "too_many_jobs"],
  }) as const;

/** Imports of files. */
export const importRoutes = (kit: HttpKit, imports: ImportService) =>
  new Elysia({ prefix: "/api/bulk", tags: ["Bulk"] })
    .use(kit)
    .post(
      "/clients",
      ({ actor, request, parameters, server }) => {
        server?.timeout(request, patience);
        return imports.begin(actor, "clients", reading(request, parameters));
      },
      {
        ...shared("clients.create"),
        example: {
          file: {
            name: "customers.csv",
            content: "First,Last,Email\nAda,Nguyễn,ada.nguyen@example.com\n",
          },
          mapping: '{"name": {"columns": ["First", "Last"]}, "email": "Email"}',
          dry_run: "true",
        },
        detail: { summary: "Import clients from CSV", description },
      },
    )
    .post(
      "/tasks",
      ({ actor, request, parameters, server }) => {
        server?.timeout(request, patience);
        return imports.begin(actor, "tasks", reading(request, parameters));
      },
      {
        ...shared("tasks.create"),
        example: {
          file: { name: "tasks.csv", content: "Title;Due date\nCall Ada;2027-03-01\n" },
          dry_run: "true",
        },
        detail: { summary: "Import tasks from CSV", description },
      },
    );

const reading =
  (request: Request, query: Parameters): ReadImport =>
  async (take) => {
    const type = request.headers.get("content-type") ?? "";
    if (/^text\/csv\s*(;|$)/i.test(type)) {
      refuseCoding(request);
      await take(request.body ?? nothing());
      return new Map([...charsetIn(type), ...Object.entries(query)]);
    }
    const fields = await readForm(request, formLimits, ({ field, bytes }) => {
      if (field !== "file")
        throw invalid(field.slice(0, 200), "unknown_field", "is not a field of this form");
      return take(bytes);
    });
    for (const name of fields.keys())
      if (Object.hasOwn(query, name))
        throw invalid(name, "repeated", "is given in the query and in the form");
    return new Map([...fields, ...Object.entries(query)]);
  };

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** The encoding that a media type names, as this server calls it. */
function charsetIn(type: string): [name: string, value: string][] {
  const [, charset] = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(type) ?? [];
  if (charset === undefined) return [];
  try {
    return [["encoding", new TextDecoder(charset).encoding]];
  } catch {
    return [["encoding", charset]];
  }
}

const invalid = (field: string, code: string, message: string) => new Invalid([{ field, code, message }]);
