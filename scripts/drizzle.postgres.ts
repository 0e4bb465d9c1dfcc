/** For drizzle-kit, run from the top folder. */
export default { dialect: "postgresql", schema: "./src/db/tables.postgres.ts", out: "./drizzle/postgres" };
