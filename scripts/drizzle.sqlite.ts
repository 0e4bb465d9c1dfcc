/** For drizzle-kit, run from the top folder. */
export default { dialect: "sqlite", schema: "./src/db/tables.sqlite.ts", out: "./drizzle/sqlite" };
