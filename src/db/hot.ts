import { Column, is, noopDecoder, Param, Placeholder, sql, SQL } from "drizzle-orm";
import { RecentMap } from "../recent-map";
import type { Session } from "./store";

/**
 * Hot queries: Drizzle writes the SQL once per engine, then the text runs as a prepared statement and the
 * engine builds the rows. Building a query each time costs Drizzle ten times more than SQLite needs to run it.
 */

/** What an engine returns, and what it binds: values by name. */
export type Row = Record<string, unknown>;

/** One query for one engine, ready to run. */
export interface Plan {
  readonly text: string;
  /** Arguments by name to the values the statement wants, in its order and encoding. */
  readonly bind: (args: Row) => unknown[];
  /** Turns what the engine returns into what the column promises, in place. Absent when nothing differs. */
  readonly decode?: (rows: Row[]) => void;
  /** PostgreSQL shall not keep it prepared: there are too many of its kind. */
  readonly unprepared?: boolean;
}

/** What a query is built from. It has no transaction and no values: both come with each call. */
export type Shape = Pick<Session, "t" | "q" | "dialect">;

/** The arguments of a query while it is built: one named placeholder each. */
export type Params<Args> = { readonly [Name in keyof Args]: Placeholder<Name & string, Args[Name]> };

/** For `set`, which takes no bare placeholder: the argument in the column's encoding, checked against its type. */
export function value<Type, NotNull extends boolean>(
  column: Column & { _: { data: Type; notNull: NotNull } },
  p: Placeholder<string, NoInfer<Type> | (NoInfer<NotNull> extends true ? never : null)>,
): SQL {
  return sql`${sql.param(p, column)}`;
}

/** What Drizzle builds and a plan is made of. A write without `returning` gives no rows. */
export type Query<Result> = PromiseLike<Result[]> & { toSQL(): { sql: string; params: unknown[] } };

/** A query whose plan is made once, whoever runs it. */
export interface HotQuery<Args, Result> {
  all(session: Session, args: Args): Promise<Result[]>;
  first(session: Session, args: Args): Promise<Result | undefined>;
}

/** A query whose SQL never changes. */
export function hot<Args extends object, Result>(
  build: (shape: Shape, p: Params<Args>) => Query<Result>,
): HotQuery<Args, Result> {
  const plans: Partial<Record<Engine, Plan>> = {};
  return queryOf((session) => (plans[session.dialect.engine] ??= compile(build(session, placeholders()))));
}

/** Queries whose SQL follows from a shape that the caller names. See `hotByShape`. */
export interface ShapedQueries<Result> {
  /**
   * @param shapeKey tells everything that `build` puts into the SQL; equal keys mean equal SQL
   * @param build called only when no plan for `shapeKey` is at hand
   */
  all(
    session: Session,
    shapeKey: string,
    build: (shape: Shape, p: Params<Record<string, unknown>>) => Query<Result>,
    args: Record<string, unknown>,
  ): Promise<Result[]>;
}

/**
 * Each statement that PostgreSQL keeps costs it 30 to 60 KB on every connection, and Bun lets each connection
 * keep 1,024. Shapes follow from what users ask for, so only the first ones may stay; the others are parsed
 * anew each time. Counted for the whole process.
 */
const maxPreparedShapes = 300;
const preparedShapes = new Set<string>();

function mayStayPrepared(text: string) {
  if (preparedShapes.size < maxPreparedShapes) preparedShapes.add(text);
  return preparedShapes.has(text);
}

/**
 * Queries of more shapes than choices can list, such as nested filters. Values go in as `args` only: what
 * stands in the SQL comes from the shape, and never from what a user typed.
 * @param capacity plans kept, all engines together: half of them at least
 */
export function hotByShape<Result>(capacity = 512): ShapedQueries<Result> {
  const plans = new RecentMap<Plan>(capacity);
  return {
    all: async (session, shapeKey, build, args) => {
      const { engine } = session.dialect;
      const plan = plans.getOrInsertComputed(`${engine} ${shapeKey}`, () => {
        const made = compile(build(session, placeholders()));
        return engine === "postgres" && !mayStayPrepared(made.text) ? { ...made, unprepared: true } : made;
      });
      return execute<Result>(session, plan, args);
    },
  };
}

type Engine = Session["dialect"]["engine"];

/** Async functions cost more than the rest of this file, so there is exactly one between caller and engine. */
function queryOf<Args extends object, Result>(
  planFor: (session: Session, args: Args) => Plan,
): HotQuery<Args, Result> {
  const run = (session: Session, args: Args) => execute<Result>(session, planFor(session, args), args as Row);
  return {
    all: async (session, args) => run(session, args),
    first: async (session, args) => {
      const rows = run(session, args);
      return (rows instanceof Promise ? await rows : rows)[0];
    },
  };
}

function execute<Result>(session: Session, plan: Plan, args: Row): Result[] | Promise<Result[]> {
  const decode = (rows: Row[]) => (plan.decode?.(rows), rows as Result[]);
  const rows = session.run(plan, plan.bind(args));
  return rows instanceof Promise ? rows.then(decode) : decode(rows);
}

function placeholders<Args>() {
  return new Proxy({}, { get: (_, name) => sql.placeholder(String(name)) }) as Params<Args>;
}

function compile(query: Query<unknown>): Plan {
  const decoders = nameColumns(query);
  const { sql: text, params } = query.toSQL();
  return { text, bind: compileBind(params), decode: compileDecode(decoders) };
}

interface Field {
  path: string[];
  field: Column | SQL | SQL.Aliased;
}

/**
 * Makes the engine itself return each value under the name that the result type has (`max(updated_at) as "newest"`),
 * so that no row is copied to rename its keys. Drizzle keeps the selection in the builder's `config`, which
 * its types hide; the tests of this file fail if that changes.
 */
function nameColumns(query: Query<unknown>): Map<string, Decode> {
  const { config } = query as unknown as {
    config: { fields?: Record<string, Field["field"]>; returning?: Field[] };
  };
  const selection =
    config.fields ?? Object.fromEntries((config.returning ?? []).map((f) => [f.path.join("."), f.field]));
  const decoders = new Map<string, Decode>();
  const named: Record<string, Field["field"]> = {};
  for (const [key, field] of Object.entries(selection)) {
    if (!is(field, Column) && !is(field, SQL) && !is(field, SQL.Aliased)) {
      throw new Error(`A hot query selects columns, not tables: name the columns of "${key}".`);
    }
    named[key] =
      is(field, Column) && field.name === key
        ? field
        : sql`${is(field, SQL.Aliased) ? field.sql : field}`.as(key);
    const decode = decoderOf(field);
    if (decode) decoders.set(key, decode);
  }
  if (config.fields) config.fields = named;
  else if (config.returning)
    config.returning = Object.entries(named).map(([key, field]) => ({ path: [key], field }));
  return decoders;
}

type Decode = (value: unknown) => unknown;

function decoderOf(field: Field["field"]): Decode | undefined {
  if (is(field, Column)) {
    const inherited = field.mapFromDriverValue === Column.prototype.mapFromDriverValue;
    const customWithout = "mapFrom" in field && field.mapFrom === undefined;
    return inherited || customWithout ? undefined : (value) => field.mapFromDriverValue(value);
  }
  // Drizzle keeps it, and its types hide it, as they do the `config` above.
  const { decoder } = (is(field, SQL.Aliased) ? field.sql : field) as unknown as {
    decoder: { mapFromDriverValue: Decode };
  };
  if (is(decoder, Column)) return decoderOf(decoder);
  return decoder === noopDecoder ? undefined : (value) => decoder.mapFromDriverValue(value);
}

function compileDecode(decoders: Map<string, Decode>): Plan["decode"] {
  if (decoders.size === 0) return undefined;
  const entries = [...decoders];
  return (rows) => {
    for (const row of rows) {
      for (const [key, decode] of entries) {
        const value = row[key];
        if (value !== null) row[key] = decode(value);
      }
    }
  };
}

function compileBind(params: unknown[]): Plan["bind"] {
  const binders = params.map((param): ((args: Row) => unknown) => {
    if (is(param, Placeholder)) return (args) => given(args, param.name);
    if (is(param, Param) && is(param.value, Placeholder)) {
      const { name } = param.value;
      return (args) => {
        const value = given(args, name);
        return value === null ? null : param.encoder.mapToDriverValue(value);
      };
    }
    return () => param;
  });
  return (args) => binders.map((bind) => bind(args));
}

function given(args: Row, name: string) {
  const value = args[name];
  if (value === undefined) throw new Error(`This query needs "${name}".`);
  return value;
}
