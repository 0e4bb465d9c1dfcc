/** What a scrape found: the value of each line, by what stands before it, such as `up{job="x"}`. */
export type Samples = Map<string, number>;

/** Reads Prometheus' text format. */
export function readSamples(text: string): Samples {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [
      line.slice(0, line.lastIndexOf(" ")),
      Number(line.slice(line.lastIndexOf(" ") + 1)),
    ]),
  );
}

/** All values of one label that a metric's lines have. */
export function labelValues(samples: Samples, metric: string, label: string): Set<string> {
  const lines = [...samples.keys()].filter((line) => line.startsWith(`${metric}{`));
  return new Set(lines.map((line) => new RegExp(`\\b${label}="([^"]*)"`).exec(line)![1]!));
}

/** What Prometheus' own checker finds wrong with names, labels and form; empty when nothing is. */
export async function promtool(text: string): Promise<string> {
  const child = Bun.spawn(["promtool", "check", "metrics"], {
    stdin: new Blob([text]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  const code = await child.exited;
  return code === 0 ? `${out}${err}` : `exit ${code}: ${out}${err}`;
}
