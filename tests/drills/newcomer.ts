/**
 * What `README.md` and `docs/deployment.md` say, done word for word by somebody who has nothing but a bare Debian 12. It takes root,
 * `debootstrap`, a network for packages, and port 3000. Packages are fetched from where this machine fetches its own.
 */
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";

const repository = resolve(import.meta.dir, "../..");

/** A command of a page, as it stands there. */
export interface PageCommand {
  page: string;
  /** The heading above it. */
  heading: string;
  text: string;
}

/** The commands in the `sh` blocks of a page; one that goes on over several lines is one. */
export function commandsOf(page: string): PageCommand[] {
  const commands: PageCommand[] = [];
  let [heading, isShell, open, end] = ["", false, "", ""];
  for (const line of readFileSync(join(repository, page), "utf8").split("\n")) {
    if (!isShell) {
      heading = /^#+ (.*)/.exec(line)?.[1] ?? heading;
      isShell = line === "```sh";
    } else if (line === "```") isShell = false;
    else {
      open += `${line}\n`;
      end ||= /<<'?(\w+)'?/.exec(line)?.[1] ?? "";
      const goesOn = end ? line !== end : line.endsWith("\\") || line.trim() === "";
      if (goesOn) continue;
      commands.push({ page, heading, text: open.trim() });
      [open, end] = ["", ""];
    }
  }
  return commands;
}

/** Commands that are no part of it: the long ones for who changes the program, which CI runs on a clean checkout. */
const isLeftOut = ({ heading, text }: PageCommand) => heading === "Develop it" || text.includes("run verify");

/** A command that stays, until the next one that does or the end of its page. */
const serves = ({ text }: PageCommand) => /(?:bun(?:@\S+)?|neocrm) (?:start|serve)\b/.test(text);

/** What commands have to show, beside exit code 0. */
const shown: readonly [command: RegExp, shows: string][] = [
  [/filter\[(name|phone)\]/, "Bjørn Hansen"],
  [/"nmae"/, '"status":422'],
  [/seed --demo/, "59 clients"],
  [/install\.sh "\$RELEASE"/, "Installed version"],
  [/srv\/install\.sh$/, "is installed already"],
  [/3000\/health/, '"status":"ok"'],
];

/** What a newcomer needs of the machine that the drill runs on, before the pages begin. */
export interface NewcomerOptions {
  /** A bare root that is there already and is used up; default: a new one. */
  root?: string;
}

/** What became of it. */
export interface NewcomerResult {
  /** How many commands were run. */
  ran: number;
  /** How many there are that are left out, see there. */
  leftOut: number;
  /** Empty when everything worked: what failed, with what it said. */
  fault: string;
}

/** Runs the drill. */
export async function newcomerDrill({ root: given }: NewcomerOptions = {}): Promise<NewcomerResult> {
  const folder = mkdtempSync("/var/tmp/neocrm-newcomer-");
  const root = given ?? join(folder, "root");
  try {
    if (!given) await debootstrap(root);
    await furnish(root);
    const all = ["README.md", "docs/deployment.md"].flatMap(commandsOf);
    const commands = all.filter((command) => !isLeftOut(command));
    writeFileSync(join(root, "newcomer.sh"), scriptOf(commands));
    const enter = ["unshare", "--mount", "--pid", "--fork", "--kill-child", `--mount-proc=${root}/proc`];
    const { code, text } = await finished(
      [...enter, "chroot", root, "bash", "/newcomer.sh"],
      await environment(root),
    );
    const ran = text.match(/^::: /gm)?.length ?? 0;
    const fault = code === 0 ? misshown(commands, text) : (text.split(/^(?=::: )/m).at(-1) ?? text);
    return { ran, leftOut: all.length - commands.length, fault };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Makes a bare Debian 12 from the mirror that apt has here. */
async function debootstrap(root: string): Promise<void> {
  const sources = ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"].filter(existsSync);
  const text = sources.map((file) => readFileSync(file, "utf8")).join("\n");
  const mirror = /^(?:URIs: |deb (?:\[.*?\] )?)(\S+)/m.exec(text)?.[1];
  if (!mirror) throw new Error("There is no Debian mirror in /etc/apt.");
  const { code, text: said } = await finished(["debootstrap", "--variant=minbase", "bookworm", root, mirror]);
  if (code !== 0) throw new Error(`debootstrap failed:\n${said.slice(-2_000)}`);
}

/** Brings the checkout, what takes systemd's place, and how this machine reaches packages, which no page can know. */
async function furnish(root: string): Promise<void> {
  const checkout = join(root, "root/neocrm");
  mkdirSync(checkout, { recursive: true });
  const copy = `git ls-files -z --cached --others --exclude-standard | tar --null --files-from=- --create | tar --extract -C "$0"`;
  const { code, text } = await finished(["bash", "-c", `set -o pipefail; ${copy}`, checkout]);
  if (code !== 0) throw new Error(text);
  bring(join(repository, "tests/support/systemctl.sh"), join(root, "usr/bin/systemctl"));
  chmodSync(join(root, "usr/bin/systemctl"), 0o755);
  mkdirSync(join(root, "run/systemd/system"), { recursive: true });
  rmSync(join(root, "etc/apt/sources.list"), { force: true });
  for (const file of ["/etc/apt/sources.list.d/debian.sources", "/etc/hosts", "/etc/resolv.conf"]) {
    if (existsSync(file)) bring(file, join(root, file));
  }
}

function bring(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  rmSync(to, { force: true });
  cpSync(from, to, { dereference: true });
}

/** The environment of a new login, with the registry, proxy and authorities that this machine has. */
async function environment(root: string): Promise<Record<string, string>> {
  const env: Record<string, string> = {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ...{ HOME: "/root", LANG: "C.UTF-8", DEBIAN_FRONTEND: "noninteractive" },
  };
  for (const [name, value] of Object.entries(process.env)) {
    if (/^(https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE)$/i.test(name)) env[name] = value!;
  }
  for (const name of ["registry", "cafile"]) {
    const { text } = await finished(["npm", "config", "get", name]);
    const value = text.trim();
    if (value && value !== "null") env[`npm_config_${name}`] = value;
  }
  // Not where they are here: the root's own come there.
  for (const name of ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "npm_config_cafile"]) {
    const file = env[name];
    if (!file || !existsSync(file)) continue;
    env[name] = `/authorities/${name}`;
    bring(file, join(root, env[name]));
  }
  return env;
}

/** Each command as it stands in its page, with what says that it begins, and ends all when it fails. */
function scriptOf(commands: PageCommand[]): string {
  const lines = [
    `server=
stop() { [ -z "$server" ] || { kill -TERM -- "-$server"; wait "$server"; server=; }; } 2>/dev/null
ready() {
  for _ in {1..600}; do
    kill -0 "$server" 2>/dev/null || break
    ! curl -fs -o /dev/null localhost:3000/health/ready || return 0
    sleep 0.2
  done
  cat /server.log
  exit 1
}
cd /root/neocrm`,
  ];
  let page = commands[0]!.page;
  for (const [index, command] of commands.entries()) {
    if (command.page !== page) lines.push("stop");
    ({ page } = command);
    lines.push(
      `echo; cat <<'::::::'\n::: ${index} ${command.page}, ${command.heading}\n${command.text}\n::::::`,
    );
    if (serves(command)) {
      lines.push(
        `stop; set -m; {\n${command.text}\n} >/server.log 2>&1 </dev/null &\nserver=$!; set +m; ready`,
      );
    } else lines.push(`${command.text}\ncode=$?; echo; [ "$code" = 0 ] || exit "$code"`);
  }
  return `${lines.join("\n")}\nstop\nsystemctl stop neocrm\n`;
}

/** What a command did not show though it should; nothing when all did. */
function misshown(commands: PageCommand[], text: string): string {
  const outputs: Record<string, string> = {};
  for (const part of text.split(/^(?=::: )/m)) outputs[/^::: (\d+)/.exec(part)?.[1] ?? ""] = part;
  const faults = commands.flatMap((command, index) => {
    const missing = shown.filter(([of, shows]) => of.test(command.text) && !outputs[index]?.includes(shows));
    return missing.map(([, shows]) => `It does not show ${shows}:\n${outputs[index]}`);
  });
  return faults.join("\n");
}

async function finished(command: string[], env?: Record<string, string>) {
  const child = Bun.spawn(command, {
    ...{ cwd: repository, stdio: ["ignore", "pipe", "pipe"], timeout: 1_200_000, killSignal: "SIGKILL" },
    ...(env && { env: { ...env } }),
  });
  const read = (stream: ReadableStream<Uint8Array>) => new Response(stream).text();
  const [out, err, code] = await Promise.all([read(child.stdout), read(child.stderr), child.exited]);
  return { code, text: out + err };
}

if (import.meta.main) {
  const result = await newcomerDrill({ root: process.argv[2] });
  console.log(result.fault || "everything worked", `\n${result.ran} commands, ${result.leftOut} left out`);
  process.exitCode = result.fault ? 1 : 0;
}
