import development from "../../config/config.development.toml" with { type: "text" };
import production from "../../config/config.production.toml" with { type: "text" };
import staging from "../../config/config.staging.toml" with { type: "text" };
import test from "../../config/config.test.toml" with { type: "text" };

/** What kind of installation this is: decides which file is read over the defaults. */
export type Profile = "development" | "test" | "staging" | "production";

/** The TOML of each profile, carried by the executable. */
export const profileFiles: Readonly<Record<Profile, string>> = { development, test, staging, production };

/** The names of all profiles. */
export const profiles = Object.keys(profileFiles) as Profile[];
