import packageJson from "../package.json";

/** Set by the build; absent when the source runs. */
declare const NEOCRM_COMMIT: string | undefined;

/** Semantic version of this program. */
export const version: string = packageJson.version;

/** The commit the executable was built from, or `null` when the source runs. */
export const commit: string | null = typeof NEOCRM_COMMIT === "string" ? NEOCRM_COMMIT : null;

/** Set by the build; absent when the source runs. */
declare const NEOCRM_YEAR: number | undefined;

/** The year of the source that this was built from: no clock is right that shows an earlier one. */
export const year: number = typeof NEOCRM_YEAR === "number" ? NEOCRM_YEAR : 2026;

/** The executable is for production unless told otherwise; the source is for those who develop on it. */
export const defaultProfile = commit === null ? "development" : "production";

/**
 * The worker that reads aside. Named from here because the executable lays out its entry points from the source
 * root, and the bundle that names them stands in that root.
 */
export const readerWorker = new URL("./db/reader.worker.ts", import.meta.url).href;

/** The same for the one that brings SQLite's log into its file. */
export const checkpointWorker = new URL("./db/checkpoint.worker.ts", import.meta.url).href;

/** The same for the one that reads the contents of files. */
export const contentsWorker = new URL("./contents/contents.worker.ts", import.meta.url).href;

/** The same for the one that copies SQLite databases. */
export const sqliteWorker = new URL("./backup/sqlite.worker.ts", import.meta.url).href;
