import { sql, type SQL } from "drizzle-orm";

/** How many rows there are, or of them those that meet the condition; `sum` would be null for none. */
export const count = (condition?: SQL) =>
  sql<number>`count(${condition ? sql`case when ${condition} then 1 end` : sql`*`})`.mapWith(Number);
