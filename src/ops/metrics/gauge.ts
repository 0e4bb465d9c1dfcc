import { Gauge, type Registry } from "./prom-client";

/** Shows a figure for each value of a label, all of which are asked for with each scrape. */
export function gauges(
  registry: Registry,
  { name, help, label }: { name: string; help: string; label: string },
  ask: () => Record<string, number> | Promise<Record<string, number>>,
): void {
  const shown = new Gauge({
    ...{ name, help, labelNames: [label], registers: [] },
    async collect() {
      for (const [value, figure] of Object.entries(await ask())) this.set({ [label]: value }, figure);
    },
  });
  registry.registerMetric(shown);
}

/** A figure, now or later; `undefined` where there is none. */
export type Figure = number | undefined | Promise<number | undefined>;

/** Shows a figure that is asked for with each scrape, where there is one. */
export function gauge(registry: Registry, name: string, help: string, ask: () => Figure): void {
  const shown = new Gauge({
    ...{ name, help, registers: [] },
    async collect() {
      const figure = await ask();
      if (figure === undefined) this.remove();
      else this.set(figure);
    },
  });
  registry.registerMetric(shown);
}
