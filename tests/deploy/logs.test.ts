import { expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { requestJson } from "../../src/ops/log-format";
import { binary } from "../support/binary";
import { freePort } from "../support/free-port";
import { until } from "../support/realtime";

const deploy = resolve(import.meta.dir, "../../deploy/logs");
const read = (file: string) => readFileSync(join(deploy, file), "utf8");

const fields = { request_id: "r", actor: "u", method: "GET", path: "/", route: "/", status: 200, ms: 1 };
const line = JSON.parse(requestJson({ ...fields, address: "::1" }, "info", Date.now(), "/")) as object;

test("filebeat takes fields that the log has, and its times are understood", () => {
  const config = read("filebeat.yml");
  expect(Bun.YAML.parse(config)).toContainKeys(["filebeat.inputs", "processors", "output.elasticsearch"]);
  const taken = [...config.matchAll(/(?:from: |field: )neocrm\.(\w+)/g)].map(([, name]) => name!);
  expect(taken.length).toBeGreaterThan(5);
  expect(taken.filter((name) => !(name in line))).toEqual([]);
  const example = /test: \["(.+)"\]/.exec(config)![1]!;
  const shape = (time: string) => time.replaceAll(/\d/g, "0");
  expect(shape((line as { time: string }).time)).toBe(shape(example));
});

test.each(["promtail.yml", "alloy.config"])("%s takes fields that the log has", (file) => {
  const config = read(file);
  const [, list] = /expressions\s*[:=] \{(.+?)\}/.exec(config)!;
  const taken = [...list!.matchAll(/"?(\w+)"?\s*[=:]\s*"?(\w+)"?/g)].map(([, , name]) => name!);
  expect(taken).toEqual(["time", "level", "request_id"]);
  expect(taken.filter((name) => !(name in line))).toEqual([]);
});

test("promtail's configuration is YAML", () => {
  expect(Bun.YAML.parse(read("promtail.yml"))).toMatchObject({
    scrape_configs: [{ job_name: "neocrm" }, { pipeline_stages: [{ json: {} }, {}, {}, {}] }],
  });
});

test("logrotate turns the log over while the server writes to it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "neocrm-logrotate-"));
  const [log, config, port] = [join(folder, "neocrm.log"), join(folder, "logrotate.conf"), await freePort()];
  writeFileSync(config, read("logrotate.conf").replace("/var/log/neocrm/*.log", log));
  chmodSync(config, 0o644);
  const args = ["serve", "--host", "127.0.0.1", "--port", String(port), "--data-dir", join(folder, "data")];
  const server = Bun.spawn(["sh", "-c", 'exec "$@" >>"$0"', log, await binary(), ...args]);
  const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
  const written = (file: string, path: string) => readFileSync(file, "utf8").includes(`"path":"${path}"`);
  try {
    await until(async () => (await ask("/before")) !== undefined);
    await until(() => written(log, "/before"));
    const rotated = Bun.spawnSync([
      "/usr/sbin/logrotate",
      "--force",
      "--state",
      join(folder, "state"),
      config,
    ]);
    expect([rotated.stderr.toString(), rotated.exitCode]).toEqual(["", 0]);
    expect(written(`${log}.1`, "/before")).toBe(true);
    await ask("/after");
    await until(() => written(log, "/after"));
    // No hole of zeros where the old text was.
    expect(readFileSync(log, "utf8")).toStartWith("{");
    expect(written(log, "/before")).toBe(false);
  } finally {
    server.kill();
    await server.exited;
    rmSync(folder, { recursive: true });
  }
}, 60_000);
