import type { Config, Key } from "./table";

/** The name of a feature flag: a setting in the section `features`. */
export type Feature = Extract<Key, `features.${string}`> extends `features.${infer Name}` ? Name : never;

/** Whether a feature is switched on. */
export const isEnabled = (config: Config, feature: Feature): boolean => config[`features.${feature}`];
