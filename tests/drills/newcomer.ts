/**
 * A newcomer's first hour: a bare Debian 12 and the blocks of a page, run word for word.
 *
 * Blocks are fenced as `sh` (run), `sh serve` (its last command goes on until the next such block) or `sh` with another word, which
 * names what a bare system has not: systemd, Docker, or an hour for the test suite.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dir, "../..");

/** A fenced block of shell commands in a page. */
export interface Block {
  /** What stands behind `sh`; empty for what just runs. */
  kind: string;
  text: string;
}

/** The blocks of a page, from top to bottom. */
export const blocksOf = (page: string): Block[] =>
  [...page.matchAll(/^```sh *(.*)\n([\s\S]*?)^```$/gm)].map(([, kind, text]) => ({
    kind: kind!.trim(),
    text: text!,
  }));

/** What a page's blocks did. */
export interface NewcomerResult {
  page: string;
  /** How many blocks ran to their end, or serve. */
  ran: number;
  /** How many were left out, by kind. */
  leftOut: Record<string, number>;
  /** Empty when all is as the page says. */
  faults: string[];
  seconds: number;
}

/** What the pages promise that one sees. */
const promises: Record<string, RegExp[]> = {
  "README.md": [/"name":"Bjørn Hansen"[\s\S]*"name":"Bjørn Hansen"[\s\S]*"name":"Bjørn Hansen"/, /nmae/],
  "docs/deployment.md": [/install\.sh: OK/, /Installed \S+ as/, /"status":"ok"/, /is installed already/],
};

/**
 * Runs the blocks of `README.md` and `docs/deployment.md`, each in a bare system of its own. As root, with debootstrap, a mirror in
 * /etc/apt, and nothing on port 3000.
 * @param release a folder that `scripts/release.ts` made
 * @param bare a system that debootstrap made before, for whoever tries a page again and again
 */
export async function newcomerDrill(release: string, bare?: string): Promise<NewcomerResult[]> {
  const folder = mkdtempSync(join(tmpdir(), "neocrm-newcomer-"));
  const files = Bun.serve({
    ...{ hostname: "127.0.0.1", port: 0 },
    fetch: (request) => new Response(Bun.file(join(release, new URL(request.url).pathname))),
  });
  try {
    if (!bare) await run(["debootstrap", "--variant=minbase", "bookworm", join(folder, "bare"), mirror()]);
    const results: NewcomerResult[] = [];
    for (const page of Object.keys(promises)) {
      const system = join(folder, "system");
      await run(["cp", "--archive", bare ?? join(folder, "bare"), system]);
      prepare(system);
      results.push(await follow(page, system, `http://127.0.0.1:${files.port}`));
      rmSync(system, { recursive: true });
    }
    return results;
  } finally {
    await files.stop(true);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Debian's mirror of this machine. */
function mirror(): string {
  const files = ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"].filter((file) =>
    existsSync(file),
  );
  const text = files.map((file) => readFileSync(file, "utf8")).join("\n");
  const address = /^(?:URIs: *|deb (?:\[.*?\] )?)(\S+)/m.exec(text)?.[1];
  if (!address) throw new Error("/etc/apt names no mirror.");
  return address;
}

/** The machine's way to the network, and a checkout in /neocrm. */
function prepare(system: string): void {
  cpSync("/etc/resolv.conf", join(system, "etc/resolv.conf"));
  const authorities = process.env.NODE_EXTRA_CA_CERTS;
  if (authorities) cpSync(authorities, join(system, "etc/authorities.crt"));
  const tracked = Bun.spawnSync(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
  });
  for (const file of tracked.stdout.toString().split("\0"))
    if (file !== "" && existsSync(join(root, file))) cpSync(join(root, file), join(system, "neocrm", file));
  mkdirSync(join(system, "proc"), { recursive: true });
}

/** Mounts and processes end with it. */
const enter = `set -e
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
exec chroot "$1" /bin/bash /script`;

async function follow(page: string, system: string, release: string): Promise<NewcomerResult> {
  const startedAt = performance.now();
  const blocks = blocksOf(readFileSync(join(root, page), "utf8"));
  const runs = blocks.filter(({ kind }) => kind === "" || kind === "serve");
  writeFileSync(join(system, "script"), scriptOf(runs));
  const env = {
    ...{
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      HOME: "/root",
      RELEASE: release,
    },
    ...{ DEBIAN_FRONTEND: "noninteractive", LANG: "C.UTF-8" },
    ...(existsSync(join(system, "etc/authorities.crt")) && { NODE_EXTRA_CA_CERTS: "/etc/authorities.crt" }),
  };
  const child = Bun.spawn(
    ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", enter, "enter", system],
    { stdio: ["ignore", "pipe", "pipe"], env },
  );
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  const isOk = (await child.exited) === 0;
  const ran = out.match(/^--- done \d+$/gm)?.length ?? 0;
  const broken = promises[page]!.filter((promise) => !promise.test(out));
  const seen = `${out.slice(-3_000)}\n${err.slice(-3_000)}`;
  return {
    ...{ page, ran, seconds: (performance.now() - startedAt) / 1000 },
    leftOut: countsOf(blocks.filter((block) => !runs.includes(block)).map(({ kind }) => kind)),
    faults: [
      ...(isOk && ran === runs.length
        ? []
        : [`${page}: block ${ran + 1} of ${runs.length} fails:\n${runs[ran]?.text}\n${seen}`]),
      ...broken.map((promise) => `${page}: nothing like ${promise} was seen.\n${seen}`),
    ],
  };
}

const countsOf = (kinds: string[]): Record<string, number> =>
  Object.fromEntries(
    [...new Set(kinds)].map((kind) => [kind, kinds.filter((other) => other === kind).length]),
  );

/** One shell for all blocks, as variables last; each server goes on until the next is started. */
function scriptOf(blocks: Block[]): string {
  const head = `set -e
cd /neocrm
server=
stop() { [ -z "$server" ] || { kill -- "-$server"; while curl -s localhost:3000/health >/dev/null; do sleep 0.2; done; }; }
answers() { for _ in $(seq 600); do curl -fs localhost:3000/health >/dev/null && return; sleep 0.2; done; cat /served; return 1; }
`;
  const parts = blocks.map(({ kind, text }, index) => {
    const done = `\nprintf '\\n--- done ${index}\\n'\n`;
    if (kind === "") return text + done;
    const heredoc = `cat >/serve <<'END-OF-BLOCK'\nset -e\n${text}END-OF-BLOCK\n`;
    return `stop\n${heredoc}setsid bash /serve >/served 2>&1 & server=$!\nanswers${done}`;
  });
  return head + parts.join("");
}

async function run(command: string[]): Promise<void> {
  const child = Bun.spawn(command, { stdio: ["ignore", "pipe", "pipe"] });
  const [out] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")}\n${out.slice(-2_000)}`);
}

if (import.meta.main) {
  for (const result of await newcomerDrill(join(root, "dist/release"), process.argv[2])) console.log(result);
}
