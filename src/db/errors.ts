import { getTableColumns, getTableName } from "drizzle-orm";
import { describedIndexes, tables } from "./described";

/** What went wrong, as far as a caller can act on it. */
export type DbErrorKind =
  /** Another row has this value already; `field` names the column or columns. */
  | "unique"
  /** A row that does not exist is referred to, or one that is referred to would go. */
  | "foreign_key"
  | "not_null"
  | "check"
  /** The database is overloaded or locked; the caller may try again later. */
  | "busy"
  /** The transaction lost against another one; the store tries again by itself, and reports it at the end. */
  | "retry"
  /** It took too long and was rolled back. */
  | "deadline"
  /** No room to write: the disk is full, or a quota or file size limit is reached. Nothing was written. */
  | "full"
  /** The file does not say what was written to it: a disk, or somebody's hand, has damaged it. */
  | "damaged"
  /**
   * The database cannot be reached, went away, or takes no further connection. If it went away during the
   * commit of a transaction, nobody knows whether that was written.
   */
  | "unavailable";

/** What callers can tell apart, equal on both engines. Everything else stays the driver's own error. */
export class DbError extends Error {
  override name = "DbError";

  constructor(
    readonly kind: DbErrorKind,
    /** The column or columns concerned, as `table.column`. Foreign keys: known on PostgreSQL only. */
    readonly field?: string,
    cause?: unknown,
  ) {
    super(field ? `database: ${kind} (${field})` : `database: ${kind}`, { cause });
  }
}

const postgresKinds: Record<string, DbErrorKind> = {
  "23505": "unique",
  "23503": "foreign_key",
  "23502": "not_null",
  "23514": "check",
  "25P03": "deadline", // The transaction was idle for too long.
  "40001": "retry",
  "40P01": "retry",
  "53100": "full",
  "53300": "unavailable", // Too many connections.
  "55P03": "busy",
  "57014": "deadline",
  XX001: "damaged",
  XX002: "damaged",
  "57P01": "unavailable", // The server shuts down, or an administrator ended the connection.
  "57P02": "unavailable", // The server crashed.
  "57P03": "unavailable", // The server starts up.
  "55000": "unavailable", // It starts up, or stops, and takes no connections meanwhile.
  "3D000": "unavailable", // The database is gone.
  "28000": "unavailable", // It lets us in no longer.
  "28P01": "unavailable",
  // These come from Bun, before or after there is a server to answer.
  ERR_POSTGRES_IDLE_TIMEOUT: "unavailable",
  ERR_POSTGRES_LIFETIME_TIMEOUT: "unavailable",
};

const sqliteKinds: Record<string, DbErrorKind> = {
  SQLITE_CONSTRAINT_UNIQUE: "unique",
  SQLITE_CONSTRAINT_PRIMARYKEY: "unique",
  SQLITE_CONSTRAINT_FOREIGNKEY: "foreign_key",
  SQLITE_CONSTRAINT_NOTNULL: "not_null",
  SQLITE_CONSTRAINT_CHECK: "check",
  SQLITE_BUSY: "busy",
  SQLITE_BUSY_RECOVERY: "busy",
  SQLITE_BUSY_SNAPSHOT: "busy",
  SQLITE_CORRUPT: "damaged",
  SQLITE_CORRUPT_INDEX: "damaged",
  SQLITE_CORRUPT_SEQUENCE: "damaged",
  SQLITE_CORRUPT_VTAB: "damaged",
  SQLITE_NOTADB: "damaged",
  SQLITE_FULL: "full",
  // SQLite does not pass on why a write failed unless the disk is full. Quotas and file size limits end here.
  SQLITE_IOERR_WRITE: "full",
  SQLITE_IOERR_SHMSIZE: "full",
};

interface DriverError {
  code?: string;
  errno?: string | number;
  constraint?: string;
  table?: string;
  column?: string;
  message?: string;
  cause?: unknown;
}

/** PostgreSQL names the violated index, SQLite the columns: this leads from the one to the other. */
let columnsOfIndex: ReadonlyMap<string, string> | undefined;

function findColumnsOfIndex(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const table of Object.values(tables)) {
    const name = getTableName(table);
    for (const index of describedIndexes(table))
      if (index.isUnique)
        found.set(index.name, index.columns.map((column) => `${name}.${column}`).join(", "));
    for (const column of Object.values(getTableColumns(table)))
      if (column.primary) found.set(`${name}_pkey`, `${name}.${column.name}`);
  }
  return found;
}

/**
 * The driver's error as a `DbError`, or the error itself when no kind fits. Transactions and hot queries
 * throw such errors already; only queries that Drizzle runs on `read` need it.
 */
export function toDbError(error: unknown): unknown {
  if (error instanceof DbError) return error;
  // Drizzle wraps the driver's error as its cause.
  for (
    let e = error as DriverError | undefined, depth = 0;
    e && depth < 4;
    e = e.cause as DriverError, depth++
  ) {
    const sqlite = sqliteKinds[e.code ?? ""];
    if (sqlite) return new DbError(sqlite, /failed: (.+)$/.exec(e.message ?? "")?.[1], error);
    const postgres = kindOnPostgres(e);
    if (postgres) return new DbError(postgres, fieldOnPostgres(e), error);
  }
  return error;
}

function kindOnPostgres({ code = "", errno }: DriverError): DbErrorKind | undefined {
  const kind = postgresKinds[String(errno)] ?? postgresKinds[code];
  if (kind) return kind;
  const connectionLost = /^08...$/.test(String(errno)) || code.startsWith("ERR_POSTGRES_CONNECTION_");
  return connectionLost ? "unavailable" : undefined;
}

function fieldOnPostgres(error: DriverError) {
  if (error.constraint) {
    columnsOfIndex ??= findColumnsOfIndex();
    return columnsOfIndex.get(error.constraint) ?? error.constraint;
  }
  return error.table && error.column ? `${error.table}.${error.column}` : undefined;
}
