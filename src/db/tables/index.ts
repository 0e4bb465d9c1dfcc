import type { Columns } from "../columns.postgres";
import { describeAccounts } from "./accounts";
import { describeClients } from "./clients";
import { describeEvents } from "./events";
import { describeFiles } from "./files";
import { describeJobs } from "./jobs";
import { describeNotifications } from "./notifications";
import { describeSearch } from "./search";
import { describeSettings } from "./settings";
import { describeTasks } from "./tasks";

/**
 * The one description of all tables, built once with each engine's columns.
 *
 * A column has one name everywhere: in the database, in a row, in a filter and on the wire. Columns that end
 * in `_key` hold the folded form of their neighbour (see `fold`), which is what both engines compare and sort by;
 * in `_normal`, the form in which it is unique. Neither is part of a record.
 */
export function describeTables(c: Columns) {
  const accounts = describeAccounts(c);
  const clients = describeClients(c, accounts);
  const tasks = describeTasks(c, { ...accounts, ...clients });
  const files = describeFiles(c, { ...accounts, ...clients, ...tasks });
  return {
    ...{ ...accounts, ...clients, ...tasks, ...files },
    ...describeSearch(c, { ...clients, ...tasks, ...files }),
    ...describeSettings(c, accounts),
    ...describeEvents(c),
    ...describeJobs(c, accounts),
    ...describeNotifications(c, { ...accounts, ...tasks }),
  };
}

/** Every table, typed on PostgreSQL's columns; SQLite's have the same JavaScript types. */
export type Tables = ReturnType<typeof describeTables>;
