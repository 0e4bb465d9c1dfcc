/** The install script with a real systemd, which counts failed starts, and refuses another one after five. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { version } from "../../package.json";
import { binary } from "../support/binary";
import { freePort } from "../support/free-port";
import { publish } from "../support/published";

setDefaultTimeout(120_000);

const deploy = resolve(import.meta.dir, "../../deploy");
const folder = mkdtempSync(join(tmpdir(), "neocrm-install-systemd-"));
const root = join(folder, "root");
const tools = join(folder, "bin");
const asRoot = process.getuid!() === 0 ? [] : ["sudo", "--non-interactive"];

/** The unit as it is, but below `root`, for whoever runs the tests, and faster to fail. */
function unit(): string {
  const given = readFileSync(join(deploy, "systemd/neocrm.service"), "utf8");
  const [counted, service] = given.split("[Service]\n") as [string, string];
  const lines = service.split("\n").filter((line) => /^(Type|ExecStart|Restart|KillMode)=/.test(line));
  const here = [
    "RestartSec=100ms",
    `Environment=HOST=127.0.0.1 DATA_DIR=${root}/var/lib/neocrm`,
    `EnvironmentFile=${root}/etc/neocrm/neocrm.env`,
  ];
  return [counted, "[Service]", ...lines, ...here, "[Install]", "WantedBy=basic.target", ""]
    .join("\n")
    .replace("/usr/local/bin", `${root}/usr/local/bin`);
}

/** Releases, each a script over the executable `works`. */
const scripts = {
  works: "",
  broken: `
  version) echo 100.0.0 ;;
  serve) exit 1 ;;`,
  // Another one was here, as it seems to it.
  behind: `
  migrate) echo "unknown  9999_later" ;;`,
  // Its database cannot be taken back; what kept it from serving goes away meanwhile.
  stuck: `
  version) echo 200.0.0 ;;
  rollback) touch "${folder}/mended"; exit 1 ;;
  serve) [ -e "${folder}/mended" ] && exec "$works" "$@"; exit 1 ;;`,
};

beforeAll(async () => {
  for (const path of [tools, join(root, "etc/neocrm"), join(root, "etc/systemd/system")])
    mkdirSync(path, { recursive: true });
  writeFileSync(join(root, "etc/neocrm/neocrm.env"), `PORT=${await freePort()}\n`);
  // The script says `systemctl`, and means the machine's; this one is the test's own.
  writeFileSync(join(tools, "systemctl"), `#!/bin/sh\nexec /usr/bin/systemctl --user "$@"\n`, {
    mode: 0o755,
  });
  for (const [name, cases] of Object.entries(scripts)) {
    const script = `#!/bin/sh\nworks="${await binary()}"\ncase $1 in ${cases}\n  *) exec "$works" "$@" ;;\nesac\n`;
    publish(join(folder, name), new TextEncoder().encode(script), unit());
  }
});

afterAll(() => void Bun.spawnSync([...asRoot, "rm", "-r", folder]));

/** Runs the script for one release after the other, with a systemd that is there as long as that takes. */
async function installEach(...releases: string[]) {
  const script = `
    for release in ${releases.join(" ")}; do
      sh "${deploy}/install.sh" --root "${root}" --service systemctl --wait 8 "file://${folder}/$release" && code=0 || code=$?
      echo "exit code $code, the service is $(systemctl is-active neocrm)"
    done
    journal=/run/user/log; [ ! -s $journal ] || cat $journal`;
  const runner = [join(import.meta.dir, "systemd.sh"), join(root, "etc/systemd/system")];
  const child = Bun.spawn(
    [...asRoot, "env", `PATH=${tools}:${process.env.PATH}`, "sh", ...runner, "sh", "-c", script],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  expect({ code: await child.exited, err }).toMatchObject({ code: 0 });
  return { out, err };
}

const said = (out: string) => out.match(/^exit code.*$/gm);

test("an update that fails so often that systemd gives up is taken back, and the version before starts", async () => {
  const { out, err } = await installEach("works", "broken");
  expect(out).toContain(`Installed ${version} as ${root}/usr/local/bin/neocrm.\n`);
  expect(err).toContain(`The update was taken back; ${version} is in place again.`);
  expect(said(out)).toEqual(["exit code 0, the service is active", "exit code 1, the service is active"]);
});

test("one whose database cannot be taken back is started once more, though systemd had given up", async () => {
  const { out, err } = await installEach("behind", "stuck");
  expect(err).toContain("The database cannot be taken back (see above), so the newer program stays.");
  expect(said(out)).toEqual(["exit code 0, the service is active", "exit code 1, the service is active"]);
});
