/** A real Prometheus with the configuration that operators are given, on a server's metrics port. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { freePort } from "./free-port";

const deploy = resolve(import.meta.dir, "../../deploy/prometheus");

/** One line of an answer. */
export interface Sample {
  metric: Record<string, string>;
  value: number;
}

export interface AlertRule {
  name: string;
  /** `ok` when its expression could be evaluated. */
  health: string;
  state: "inactive" | "pending" | "firing";
  annotations: { summary: string; runbook: string };
}

export interface Prometheus {
  /** What an expression gives now. @throws Error with what Prometheus says is wrong with it */
  query(expression: string): Promise<Sample[]>;
  /** The alerts, each evaluated at least once. */
  alerts(): Promise<AlertRule[]>;
  stop(): Promise<void>;
}

/** Starts it; it looks every second. */
export async function startPrometheus(metricsPort: number): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), "neocrm-prometheus-"));
  const given = readFileSync(join(deploy, "prometheus.yml"), "utf8");
  const config = given.replace("127.0.0.1:9464", `127.0.0.1:${metricsPort}`).replaceAll("15s", "1s");
  writeFileSync(join(folder, "prometheus.yml"), config);
  copyFileSync(join(deploy, "alerts.yml"), join(folder, "alerts.yml"));
  const port = await freePort();
  const child = Bun.spawn(
    [
      ...["prometheus", `--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`],
      ...[`--web.listen-address=127.0.0.1:${port}`, "--log.level=error"],
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  const get = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
    const { data, error } = (await answer.json()) as { data: unknown; error?: string };
    if (error !== undefined) throw new Error(`${path}: ${error}`);
    return data;
  };
  const isUp = () => get("status/runtimeinfo").then(Boolean, () => false);
  while (child.exitCode === null && !(await isUp())) await Bun.sleep(50);
  return {
    async query(expression) {
      const { result } = (await get(`query?query=${encodeURIComponent(expression)}`)) as {
        result: { metric: Record<string, string>; value: [number, string] }[];
      };
      return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
    },
    async alerts() {
      for (;;) {
        const { groups } = (await get("rules")) as { groups: { rules: AlertRule[] }[] };
        const rules = groups.flatMap((group) => group.rules);
        if (rules.length > 0 && rules.every(({ health }) => health !== "unknown")) return rules;
        await Bun.sleep(50);
      }
    },
    async stop() {
      child.kill();
      await child.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
