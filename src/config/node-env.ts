/**
 * Imported before anything else. Elysia reads `NODE_ENV` when it is loaded; without `production` it describes every
 * refused body in words that never go out: that takes 25 ms for 400 KB, and fails where a value has its own `toString`.
 * Whatever the environment says, there is one way to run.
 */
process.env["NODE_ENV"] = "production";
