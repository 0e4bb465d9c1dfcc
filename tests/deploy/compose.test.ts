import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { settings } from "../../src/config/table";

const root = resolve(import.meta.dir, "../..");
const text = readFileSync(join(root, "docker-compose.yml"), "utf8");

interface Service {
  image: string;
  profiles?: string[];
  volumes?: string[];
  environment?: Record<string, string>;
  networks?: { default: { ipv4_address: string } };
  network_mode?: string;
  read_only?: boolean;
  healthcheck?: { test: string[] };
  ports?: string[];
}
const { services, volumes } = Bun.YAML.parse(text) as {
  services: Record<string, Service>;
  volumes: Record<string, null>;
};
const { neocrm, nginx } = services as { neocrm: Service; nginx: Service };

test("Neo CRM and nginx start without a profile, all others with one", () => {
  const profiles = Object.entries(services).map(([name, service]) => [name, service.profiles ?? []]);
  expect(Object.fromEntries(profiles)).toEqual({
    ...{ neocrm: [], nginx: [], postgres: ["postgres"] },
    ...{ prometheus: ["monitoring"], grafana: ["monitoring"] },
  });
});

test("what is mounted is there", () => {
  for (const mount of Object.values(services).flatMap((service) => service.volumes ?? [])) {
    const [source] = mount.split(":") as [string];
    const isThere = source.startsWith("./") ? existsSync(join(root, source)) : source in volumes;
    expect([mount, isThere]).toEqual([mount, true]);
  }
});

test("Neo CRM is given settings that it has, cannot write but to its data, and is reached by the proxy alone", () => {
  const variables = Object.values(settings).map(({ env }) => env as string);
  expect(Object.keys(neocrm.environment!).filter((name) => !variables.includes(name))).toEqual([]);
  expect(neocrm.read_only).toBe(true);
  expect(neocrm.ports).toBeUndefined();
  const trusted = neocrm.environment!.NEOCRM_SERVER_TRUSTED_PROXIES;
  expect(trusted).toBe(`${nginx.networks!.default.ipv4_address}\${TRUSTED_PROXIES:+,$TRUSTED_PROXIES}`);
  const dockerfile = readFileSync(join(root, "Dockerfile"), "utf8");
  expect(dockerfile).toContain(`HEALTHCHECK --interval=10s --timeout=6s --start-period=10s --retries=3 CMD`);
  expect(dockerfile).toContain(JSON.stringify(neocrm.healthcheck!.test.slice(1)).replace(",", ", "));
});

test("the parts find each other", () => {
  const read = (file: string) => readFileSync(join(root, file), "utf8");
  expect(read("deploy/nginx/compose.conf")).toContain("server neocrm:3000;");
  expect(services.prometheus!.network_mode).toBe("service:neocrm");
  expect(read("deploy/prometheus/prometheus.yml")).toContain(`127.0.0.1:${neocrm.environment!.METRICS_PORT}`);
  expect(read("deploy/grafana/provisioning/datasources/prometheus.yml")).toContain("http://neocrm:9090");
});
