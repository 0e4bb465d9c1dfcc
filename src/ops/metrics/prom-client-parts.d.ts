/** The files that prom-client is made of; its types name only the whole. */
declare module "prom-client/lib/counter" {
  export { Counter as default } from "prom-client";
}
declare module "prom-client/lib/gauge" {
  export { Gauge as default } from "prom-client";
}
declare module "prom-client/lib/registry" {
  export { Registry as default } from "prom-client";
}

/** Of `collectDefaultMetrics`. */
declare module "prom-client/lib/metrics/*" {
  import type { Registry } from "prom-client";

  const collect: (registry: Registry) => void;
  export default collect;
}
