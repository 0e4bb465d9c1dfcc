/** Real proxies with the configuration that operators are given: only ports, names and paths are put in. */
import type { Subprocess } from "bun";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { freePort } from "./free-port";
import { newCertificate } from "./smtp";

const deploy = resolve(import.meta.dir, "../../deploy");
const configuration = (file: string) => readFileSync(join(deploy, file), "utf8");

/** A proxy in front of a server. */
export interface Proxy {
  /** Its HTTPS address. */
  url: string;
  /** Its address without TLS. */
  plainUrl: string;
  /** The certificate to trust. */
  ca: string;
  /** What it wrote of requests until now; of Caddy, which was not asked to, nothing. */
  log(): string;
  stop(): Promise<void>;
}

export type ProxyName = "nginx" | "caddy";

/** Starts a proxy in front of `target`, and waits until it answers. */
export async function startProxy(name: ProxyName, target: string): Promise<Proxy> {
  const folder = mkdtempSync(join(tmpdir(), `neocrm-${name}-`));
  const certificate = newCertificate();
  const [keyFile, port, plainPort] = [join(folder, "key.pem"), await freePort(), await freePort()];
  writeFileSync(keyFile, certificate.key);
  const place = {
    folder,
    target: new URL(target).host,
    certFile: certificate.file,
    keyFile,
    port,
    plainPort,
  };
  const logFile = logIn(folder);
  const child = name === "nginx" ? startNginx(place) : startCaddy(place);
  const stop = async () => {
    child.kill();
    await child.exited;
    certificate.remove();
    rmSync(folder, { recursive: true, force: true });
  };
  const proxy = {
    ...{ url: `https://localhost:${port}`, plainUrl: `http://localhost:${plainPort}`, ca: certificate.cert },
    log: () => (existsSync(logFile) ? readFileSync(logFile, "utf8") : ""),
    stop,
  };
  await answering(proxy, child);
  return proxy;
}

const logIn = (folder: string) => join(folder, "access.log");

interface Place {
  folder: string;
  target: string;
  certFile: string;
  keyFile: string;
  port: number;
  plainPort: number;
}

function startNginx({ folder, target, certFile, keyFile, port, plainPort }: Place): Subprocess {
  return runNginx(folder, "nginx/neocrm.conf", [
    [/listen 80;/, `listen 127.0.0.1:${plainPort};`],
    [/listen 443 ssl http2;/, `listen 127.0.0.1:${port} ssl http2;`],
    [/ *listen \[::\]:.*\n/g, ""],
    [/server_name crm\.example\.com;/g, "server_name localhost;"],
    [/\/etc\/letsencrypt\/.*fullchain\.pem/, certFile],
    [/\/etc\/letsencrypt\/.*privkey\.pem/, keyFile],
    [/127\.0\.0\.1:3000/, target],
  ]);
}

/** The nginx of docker-compose.yml in front of `target`, without TLS. */
export async function startComposeProxy(target: string): Promise<Pick<Proxy, "plainUrl" | "stop">> {
  const folder = mkdtempSync(join(tmpdir(), "neocrm-compose-"));
  const port = await freePort();
  const child = runNginx(folder, "nginx/compose.conf", [
    [/listen 80;/, `listen 127.0.0.1:${port};`],
    [/neocrm:3000/, new URL(target).host],
  ]);
  const plainUrl = `http://localhost:${port}`;
  await answering({ url: plainUrl }, child);
  return {
    plainUrl,
    async stop() {
      child.kill();
      await child.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function runNginx(folder: string, config: string, own: [pattern: RegExp, value: string][]): Subprocess {
  const snippet = join(folder, "neocrm-proxy.conf");
  writeFileSync(snippet, configuration("nginx/neocrm-proxy.conf"));
  const site = putIn(configuration(config), [
    ...own,
    [/\/etc\/nginx\/snippets\/neocrm-proxy\.conf/, snippet],
    [/\/var\/log\/nginx\/access\.log/g, logIn(folder)],
  ]);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (what) => `${what}_temp_path ${folder}/${what};`,
  );
  const file = join(folder, "nginx.conf");
  writeFileSync(
    file,
    `${process.getuid!() === 0 ? "user root;" : ""}
daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr;
events { worker_connections 64; }
http { access_log off; ${temporary.join(" ")}\n${site} }`,
  );
  return Bun.spawn(["/usr/sbin/nginx", "-c", file, "-e", "stderr"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}

function startCaddy({ folder, target, certFile, keyFile, port, plainPort }: Place): Subprocess {
  const site = putIn(configuration("caddy/Caddyfile"), [
    [
      /^crm\.example\.com \{$/m,
      `https://localhost:${port} {\n\ttls ${certFile} ${keyFile}\n\tbind 127.0.0.1`,
    ],
    [/127\.0\.0\.1:3000/, target],
  ]);
  const file = join(folder, "Caddyfile");
  const options = `{\n\tadmin off\n\thttp_port ${plainPort}\n\thttps_port ${port}\n\tskip_install_trust\n}\n`;
  writeFileSync(file, options + site);
  const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  return Bun.spawn(["caddy", "run", "--config", file, "--adapter", "caddyfile"], {
    ...{ env, stdio: ["ignore", "ignore", "ignore"] },
  });
}

/** Every pattern has to be there: a configuration that changed must not be tested as it was. */
function putIn(text: string, replacements: [pattern: RegExp, value: string][]): string {
  return replacements.reduce((changed, [pattern, value]) => {
    const next = changed.replace(pattern, value);
    if (next === changed) throw new Error(`${String(pattern)} is not in the configuration`);
    return next;
  }, text);
}

async function answering({ url, ca }: Pick<Proxy, "url"> & Partial<Proxy>, child: Subprocess): Promise<void> {
  while (child.exitCode === null) {
    const answer = await fetch(`${url}/health/live`, { ...(ca !== undefined && { tls: { ca } }) }).catch(
      () => undefined,
    );
    if (answer) return;
    await Bun.sleep(20);
  }
  throw new Error(`The proxy exited with code ${child.exitCode}.`);
}
