/** What is used of prom-client: its entry loads Node's HTTP client and what quantiles are made of as well, a megabyte and a half. */
export { default as Counter } from "prom-client/lib/counter";
export { default as Gauge } from "prom-client/lib/gauge";
export { default as Registry } from "prom-client/lib/registry";
export type { Metric } from "prom-client";
