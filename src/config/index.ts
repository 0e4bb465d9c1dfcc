export type { Config, Key } from "./table";
export type { ConfigWithSecrets } from "./secrets";
export type { LoadedConfig } from "./load";
