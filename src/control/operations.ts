import { Type, type Static, type TSchema } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { ExportedAll } from "../backup/export-all";
import type { Made } from "../backup/make";
import { unwatched, type Watch } from "../backup/progress";
import { hour } from "../clock";
import type { DemoResult } from "../demo/seed";
import { replay, type Replayed } from "../events/replay";
import { Forbidden, Invalid } from "../errors";
import { Body, Email, Id, Text } from "../http/schema";
import type { Verified } from "../features/files/blob-keeper";
import { newId } from "../ids";
import type { Parts } from "../parts";
import type { JobView } from "../features/jobs/schema";
import { scopeOf, systemActor } from "../policy";
import type { UserView } from "../features/users/schema";

/** Something that the command line asks for; in the server when one runs, else in the command's own process. */
interface Operation<Input extends TSchema, Result> {
  input: Input;
  run(parts: Parts, input: Static<Input>, asked: Asked): Promise<Result>;
}

/** What goes with the input of an operation. */
export interface Asked {
  bytes: AsyncIterable<Uint8Array>;
  /** Whoever asked, and waits for it. */
  watch: Watch;
}

const operation = <Input extends TSchema, Result>(
  input: Input,
  run: Operation<Input, Result>["run"],
): Operation<Input, Result> => ({ input, run });

const Count = Type.Integer({ minimum: 0 });
/** Whoever runs the command line may see and end any job. */
const lookingAfterJobs = { "jobs.read": "all", "jobs.manage": "all" } as const;

const actor = () => systemActor(`cli-${newId()}`);

/** Every operation by name. */
export const operations = {
  "user.create": operation(
    Body({ email: Email, full_name: Text(200), role: Type.String(), password: Type.String() }),
    async ({ users, passwords }, { password, ...person }): Promise<UserView> =>
      users.create(actor(), { ...person, password_hash: await passwords.hashNew(password) }),
  ),
  "setting.stored": operation(Body({}), async ({ live }) => live.stored()),
  "user.list": operation(Body({}), ({ users }): Promise<UserView[]> => users.all()),
  "user.password": operation(
    Body({ email: Email, password: Type.String() }),
    async ({ users, passwords }, { email, password }): Promise<UserView> =>
      passwords.set(actor(), (await users.byEmail(email)).id, password),
  ),
  "user.deactivate": operation(
    Body({ email: Email }),
    async ({ users, accounts }, { email }): Promise<UserView> =>
      accounts.deactivate(actor(), (await users.byEmail(email)).id),
  ),
  "user.activate": operation(
    Body({ email: Email }),
    async ({ users, accounts }, { email }): Promise<UserView> =>
      accounts.activate(actor(), (await users.byEmail(email)).id),
  ),
  "user.role": operation(
    Body({ email: Email, role: Type.String() }),
    async ({ users }, { email, role }): Promise<UserView> =>
      users.setRole(actor(), (await users.byEmail(email)).id, role),
  ),
  "server.untrusted_proxy": operation(
    Body({}),
    async ({ metrics }): Promise<string | null> => metrics.requests.untrustedProxy,
  ),
  "events.replay": operation(Body({}), ({ store, clients, tasks, folders, files }): Promise<Replayed[]> => {
    const kinds = [clients, tasks, folders, files].map(({ rebuilt }) => rebuilt);
    // It puts rows right without counting up their versions.
    return clients.written.without(() => tasks.written.without(() => replay(store, kinds)));
  }),
  "blobs.verify": operation(Body({}), ({ keeper }): Promise<Verified> => keeper.verify()),
  "blobs.sweep": operation(
    Body({ hours: Type.Integer({ minimum: 0 }) }),
    ({ keeper }, { hours }): Promise<number> => keeper.sweep(hours * hour),
  ),
  "backup.make": operation(
    Body({ to: Type.String(), keep: Type.Object({ daily: Count, weekly: Count, monthly: Count }) }),
    ({ backups }, { to, keep }, { watch }): Promise<Made> => backups.make(to, keep, watch),
  ),
  "export.all": operation(Body({ to: Type.String() }), ({ backups }, { to }): Promise<ExportedAll> =>
    backups.exportAll(to),
  ),
  "import.begin": operation(
    Body({
      resource: Type.Union([Type.Literal("clients"), Type.Literal("tasks")]),
      as: Type.Optional(Email),
      options: Type.Record(Type.String(), Type.String()),
    }),
    async (parts, { resource, as, options }, { bytes }): Promise<JobView> => {
      const importer = await parts.users.actor(as, `cli-${newId()}`);
      if (scopeOf(importer, `${resource}.create`) === undefined)
        throw new Forbidden(`Their role does not allow ${resource}.create.`);
      return parts.imports.begin(importer, resource, async (take) => {
        await take(bytes);
        return new Map(Object.entries(options));
      });
    },
  ),
  "job.look": operation(Body({ id: Id }), ({ jobs }, { id }): Promise<JobView> =>
    jobs.get({ ...actor(), grants: lookingAfterJobs }, id),
  ),
  "job.cancel": operation(Body({ id: Id }), ({ jobs }, { id }): Promise<JobView> =>
    jobs.cancel({ ...actor(), grants: lookingAfterJobs }, id),
  ),
  "job.problems": operation(Body({ id: Id }), async ({ jobs }, { id }): Promise<string> => {
    const texts = await jobs.problems({ ...actor(), grants: lookingAfterJobs }, id);
    return (await Array.fromAsync(texts)).join("");
  }),
  "demo.seed": operation(
    Body({ password: Type.String() }),
    async (parts, { password }): Promise<DemoResult> => {
      const { seedDemo } = await import("../demo/seed");
      return seedDemo(parts, actor(), await parts.passwords.hashNew(password));
    },
  ),
};

/** The name of an operation. */
export type OperationName = keyof typeof operations;
/** What an operation takes. */
export type InputOf<Name extends OperationName> = Static<(typeof operations)[Name]["input"]>;
/** What an operation gives. */
export type ResultOf<Name extends OperationName> = Awaited<ReturnType<(typeof operations)[Name]["run"]>>;

/** Runs an operation by name. @throws Invalid when the input does not fit */
export async function runOperation(
  parts: Parts,
  name: string,
  input: unknown,
  asked: Partial<Asked> = {},
): Promise<unknown> {
  if (!Object.hasOwn(operations, name)) throw new Error(`There is no operation ${name}.`);
  const { input: schema, run } = operations[name as OperationName] as Operation<TSchema, unknown>;
  const wrong = Value.Errors(schema, input).First();
  if (wrong) {
    const field = wrong.path.slice(1) || "input";
    const message = wrong.schema.description ?? wrong.message;
    throw new Invalid([{ field, code: "invalid", message }]);
  }
  return run(parts, input, { bytes: nothing(), watch: unwatched, ...asked });
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
