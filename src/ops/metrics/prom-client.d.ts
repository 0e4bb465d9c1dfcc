/** The parts that prom-client's `collectDefaultMetrics` is made of; its types name only the whole. */
declare module "prom-client/lib/metrics/*" {
  import type { Registry } from "prom-client";

  const collect: (registry: Registry) => void;
  export default collect;
}
