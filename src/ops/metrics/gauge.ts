import { Gauge, type Registry } from "prom-client";

/** Shows a figure that is asked for with each scrape. */
export function gauge(registry: Registry, name: string, help: string, ask: () => number): void {
  const shown = new Gauge({
    ...{ name, help, registers: [] },
    collect() {
      this.set(ask());
    },
  });
  registry.registerMetric(shown);
}
