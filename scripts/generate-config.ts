/** Writes config/config.default.toml, which documents every setting, from the table of settings. */
import { join } from "node:path";
import { printDefaults } from "../src/config/print";

await Bun.write(join(import.meta.dir, "../config/config.default.toml"), printDefaults());
