import type { Metric, Registry } from "./prom-client";

/** What a histogram is called, and where its buckets end. */
export interface HistogramOptions<Label extends string> {
  name: string;
  help: string;
  labelNames: readonly Label[];
  /** Upper bounds, ascending. The last bucket, without a bound, is added. */
  buckets: readonly number[];
}

/** The values seen under one set of labels. */
export class Series<Label extends string = string> {
  sum = 0;
  /** Values in each bucket alone; the last one is beyond every bound. */
  readonly counts: Float64Array;

  constructor(
    readonly labels: Readonly<Record<Label, string>>,
    readonly bounds: readonly number[],
  ) {
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const { bounds } = this;
    let bucket = 0;
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++;
    this.counts[bucket]!++;
    this.sum += value;
  }
}

/**
 * About which value a share of the values is not above: within its bucket, values count as spread evenly.
 * @param counts values in each bucket, the last one beyond every bound
 * @returns null without values; the last bound for what is beyond it
 */
export function quantile(bounds: readonly number[], counts: ArrayLike<number>, share: number): number | null {
  const total = Array.from(counts).reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let left = total * share;
  for (let bucket = 0; bucket < bounds.length; bucket++) {
    const count = counts[bucket]!;
    const from = bucket === 0 ? 0 : bounds[bucket - 1]!;
    if (count > 0 && left <= count) return from + (bounds[bucket]! - from) * (left / count);
    left -= count;
  }
  return bounds.at(-1)!;
}

/**
 * A histogram in a registry of prom-client, which writes it out. Its own one finds the labels anew with each value: 0.7 µs,
 * where a whole request takes 17. This one counts in a series that its caller keeps: 0.01 µs.
 */
export class Histogram<Label extends string = never> {
  readonly #options;
  readonly #series: Series<Label>[] = [];

  constructor(registry: Registry, options: HistogramOptions<Label>) {
    this.#options = options;
    // Of a metric, a registry uses the name and `get` alone.
    registry.registerMetric(this as unknown as Metric);
  }

  /** Every series there is. */
  get all(): readonly Series<Label>[] {
    return this.#series;
  }

  get name(): string {
    return this.#options.name;
  }

  /** A new series, which the caller keeps: a second one with the same labels would be a second line. */
  series(labels: Readonly<Record<Label, string>>): Series<Label> {
    const series = new Series(labels, this.#options.buckets);
    this.#series.push(series);
    return series;
  }

  /** What prom-client writes out. */
  async get() {
    const { name, help } = this.#options;
    return { name, help, type: "histogram", values: this.#series.flatMap((series) => this.#lines(series)) };
  }

  #lines({ labels, counts, sum }: Series<Label>) {
    const { name, buckets } = this.#options;
    let count = 0;
    const lines = [...buckets, "+Inf"].map((le, bucket) => ({
      metricName: `${name}_bucket`,
      labels: { le, ...labels },
      value: (count += counts[bucket]!),
    }));
    return [
      ...lines,
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ];
  }
}
