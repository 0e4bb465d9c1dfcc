import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { freePort } from "../support/free-port";
import { startPrometheus, type Prometheus } from "../support/prometheus";
import { until } from "../support/realtime";
import { engines, startTestServer, type TestServer } from "../support/servers";

setDefaultTimeout(60_000);

const root = resolve(import.meta.dir, "../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");

const alerts = read("deploy/prometheus/alerts.yml");
const alertNames = [...alerts.matchAll(/- alert: (\w+)/g)].map(([, name]) => name!);

interface Panel {
  title: string;
  targets: { expr: string }[];
}
const dashboard = JSON.parse(read("deploy/grafana/dashboards/neocrm.json")) as {
  panels: Panel[];
  annotations: { list: { expr: string }[] };
};

/** What Grafana would ask. */
const filledIn = (expression: string) =>
  expression.replaceAll("$__rate_interval", "1m").replaceAll("$job", "neocrm").replaceAll("$instance", ".*");

describe("the alerts", () => {
  test("do what they promise, by Prometheus' own tests of rules", () => {
    const ran = Bun.spawnSync(["promtool", "test", "rules", join(root, "deploy/prometheus/alerts.test.yml")]);
    expect(ran.stdout.toString() + ran.stderr.toString()).toContain("SUCCESS");
    expect(ran.exitCode).toBe(0);
  });

  test("are each seen to come and not to come", () => {
    const { tests } = Bun.YAML.parse(read("deploy/prometheus/alerts.test.yml")) as {
      tests: { alert_rule_test: { alertname: string; exp_alerts: object[] }[] }[];
    };
    const cases = tests.flatMap(({ alert_rule_test }) => alert_rule_test);
    const names = (wanted: (count: number) => boolean) =>
      new Set(cases.filter((each) => wanted(each.exp_alerts.length)).map(({ alertname }) => alertname));
    expect(alertNames.length).toBeGreaterThan(5);
    expect(names((count) => count > 0)).toEqual(new Set(alertNames));
    expect(names((count) => count === 0)).toEqual(new Set(alertNames));
  });

  test("have a page each that says what to do", () => {
    const headings = [...read("docs/operations.md").matchAll(/^### (Neocrm\w+)$/gm)].map(([, name]) => name!);
    expect(headings.toSorted()).toEqual(alertNames.toSorted());
    for (const name of alertNames)
      expect(alerts).toContain(`runbook: docs/operations.md#${name.toLowerCase()}\n`);
  });
});

describe("with a Prometheus that reads a server", () => {
  const servers: TestServer[] = [];
  const ports: number[] = [];
  const folders: string[] = [];
  let prometheus: Prometheus;
  beforeAll(async () => {
    for (const engine of engines) {
      ports.push(await freePort());
      const backups = mkdtempSync(join(tmpdir(), "neocrm-backups-"));
      folders.push(backups);
      const env = { METRICS_PORT: String(ports.at(-1)), NEOCRM_BACKUP_DIR: backups };
      servers.push(await startTestServer(engine, env));
    }
    prometheus = await startPrometheus(ports[0]!);
    const { url } = servers[0]!;
    const rate = filledIn(dashboard.panels[0]!.targets[0]!.expr);
    await until(async () => {
      await fetch(`${url}/api/auth/login`, { method: "POST", body: "{}" });
      return (await prometheus.query(rate)).some(({ value }) => value > 0);
    });
  });
  afterAll(async () => {
    await prometheus?.stop();
    for (const server of servers) await server.stop();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  test("every metric that is asked for is one that the server has", async () => {
    const scraped = await Promise.all(
      ports.map(async (port) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()),
    );
    const known = new Set([...scraped.join("\n").matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name!));
    const asked = new Set(
      `${alerts}${JSON.stringify(dashboard)}`.match(/\b(?:neocrm|process|nodejs)_[a-z_]+\b/g),
    );
    expect(asked.size).toBeGreaterThan(20);
    const unknown = [...asked].filter(
      (name) => !known.has(name) && !known.has(name.replace(/_(bucket|sum|count)$/, "")),
    );
    expect(unknown).toEqual([]);
  });

  test("every panel shows something, but those of what did not happen", async () => {
    const empty: string[] = [];
    for (const { title, targets } of dashboard.panels) {
      for (const { expr } of targets)
        if ((await prometheus.query(filledIn(expr))).length === 0) empty.push(`${title}: ${expr}`);
    }
    const didNotHappen = [
      /^Failed, by route/,
      /^Refused by limits/,
      /retries_total/,
      /^Jobs.*neocrm_jobs\{/,
      /^Mails/,
    ];
    expect(empty.filter((each) => !didNotHappen.some((pattern) => pattern.test(each)))).toEqual([]);
    for (const { expr } of dashboard.annotations.list) await prometheus.query(filledIn(expr));
  });

  test("no alert comes while all is well, and each can be evaluated", async () => {
    const rules = await prometheus.alerts();
    expect(rules.map(({ name }) => name).toSorted()).toEqual(alertNames.toSorted());
    // The disk and the memory of whoever runs this are not ours.
    const ours = rules.filter(({ name }) => !/Disk|Memory/.test(name));
    expect(ours.filter(({ health, state }) => health !== "ok" || state !== "inactive")).toEqual([]);
    expect(rules.filter(({ health }) => health !== "ok")).toEqual([]);
  });

  test("health and memory are numbers", async () => {
    const health = await prometheus.query("neocrm_health");
    const checks = Object.fromEntries(health.map(({ metric, value }) => [metric.check, value]));
    expect(checks).toMatchObject({ database: 1, writers: 1, passwords: 1 });
    const [free] = await prometheus.query('neocrm_memory_bytes{part="free"}');
    const [size] = await prometheus.query('neocrm_memory_bytes{part="size"}');
    expect(free!.value).toBeWithin(1, size!.value);
  });
});
