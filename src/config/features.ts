import { keys, type Config, type Key } from "./table";

/** The name of a feature flag: a setting in the section `features`. */
export type Feature = Extract<Key, `features.${string}`> extends `features.${infer Name}` ? Name : never;

const prefix = "features.";

/** The names of all feature flags, in the order of the table. */
export const features = keys.flatMap((key) =>
  key.startsWith(prefix) ? [key.slice(prefix.length) as Feature] : [],
);

/** Whether a feature is switched on. */
export const isEnabled = (config: Config, feature: Feature): boolean => config[`features.${feature}`];
