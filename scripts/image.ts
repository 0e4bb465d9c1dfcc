/**
 * Makes the container image without Docker and without a network, measures it, and runs it as it would be run in a container:
 *
 *   bun run image                   apt-get install buildah; as root, or as a user with subordinate ids (/etc/subuid)
 *   bun run image --executable FILE --outfile FILE     of one for another processor, which qemu-user-static runs
 *
 * Exits 1, and says why, where the image is 50 MB or larger, or does not run as it should.
 * `dist/neocrm-image.tar` is for `podman load`, `docker load` (from Docker 27 on) and `skopeo copy oci-archive:…`.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { version } from "../package.json";
import { commit } from "./build";
import { filesIn, unpack, writeLayout, type ImageConfig, type ImageLayout } from "./image-layout";
import { layOutImage } from "./image-root";
import { runImage, type ImageRun } from "./image-run";
import { architectureOf, runnerOf } from "./processor";

const root = resolve(import.meta.dir, "..");

/** What an image may weigh, in bytes as they are fetched. */
export const wantedSize = 50e6;

/** Everything after the last `FROM scratch`: it only copies, so it needs no base image and no container. */
export function lastStage(dockerfile: string): string {
  return dockerfile.slice(dockerfile.lastIndexOf("FROM scratch")).replaceAll("--from=build ", "");
}

/**
 * Builds the Dockerfile's last stage from an executable.
 * @param folder empty; what is made there may belong to other users, so it goes with `buildah unshare rm`
 * @param level of zstd: 22 takes minutes and is what is shipped; unpacking it needs a window of 128 MiB
 */
export async function buildImage(executable: string, folder: string, level: number): Promise<ImageLayout> {
  const context = join(folder, "context");
  layOutImage(executable, join(context, "image"));
  await Bun.write(join(folder, "Dockerfile"), lastStage(await Bun.file(join(root, "Dockerfile")).text()));
  const buildah = (...args: string[]) =>
    run(["buildah", "--storage-driver=vfs", `--root=${folder}/storage`, `--runroot=${folder}/run`, ...args]);
  const options = [
    `--arch=${ociNames[architectureOf(executable)]}`,
    ...["--isolation=chroot", "--format=docker", "--quiet", "--timestamp=0"],
    ...[`--build-arg=NEOCRM_VERSION=${version}`, `--build-arg=NEOCRM_COMMIT=${commit()}`],
  ];
  await buildah("build", ...options, "--tag=neocrm", `--file=${folder}/Dockerfile`, context);
  await buildah("push", "--quiet", "--disable-compression", "neocrm", `dir:${folder}/pushed`);
  return writeLayout(join(folder, "pushed"), join(folder, "layout"), level);
}

/** What an image's configuration calls a processor. */
const ociNames = { x64: "amd64", arm64: "arm64" } as const;

async function run(command: string[]): Promise<string> {
  const child = Bun.spawn(command, { stdio: ["ignore", "pipe", "pipe"] });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")}\n${err}`);
  return out;
}

/** What was made, and what it did; printed with `--json`. */
export interface ImageReport {
  /** Bytes as they are fetched. */
  size: number;
  files: string[];
  config: ImageConfig;
  run: ImageRun;
}

/** Why an image must not be shipped; nothing where it may. */
export function faultsOf({ size, run }: Pick<ImageReport, "size" | "run">): string[] {
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB`;
  return [
    ...(size < wantedSize
      ? []
      : [`It is too large: ${megabytes(size)}, and less than ${megabytes(wantedSize)} is wanted.`]),
    ...(run.healthcheck === 0 ? [] : [`Its health check exits ${run.healthcheck}.`]),
    ...(run.isRootReadOnly ? [] : ["Its file system can be written."]),
    ...(run.uid === 0 ? ["It runs as root."] : []),
    ...(run.exitCode === 0 ? [] : [`After its stop signal it exits ${run.exitCode}.`]),
  ];
}

async function makeImage(executable: string, outfile: string, level: number): Promise<ImageReport> {
  const folder = mkdtempSync(join(tmpdir(), "neocrm-image-"));
  try {
    const layout = await buildImage(executable, folder, level);
    const [unpacked, data] = [join(folder, "unpacked"), join(folder, "volume")];
    await unpack(layout, unpacked);
    const files = filesIn(unpacked);
    mkdirSync(data);
    const { emulator } = runnerOf(architectureOf(executable));
    const ran = await runImage(unpacked, data, layout.config, emulator);
    await run(["tar", "--create", "--owner=0", "--group=0", `--file=${outfile}`, "-C", layout.folder, "."]);
    return { size: layout.size, files, config: layout.config, run: ran };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Who is not root becomes root of a user namespace, where files can have the image's owners. */
async function asRoot(): Promise<void> {
  if (process.getuid?.() === 0) return;
  const child = Bun.spawn(["buildah", "unshare", process.execPath, ...process.argv.slice(1)], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  process.exit(await child.exited);
}

if (import.meta.main) {
  // What is in an image is for whoever runs it, however carefully files are kept here.
  process.umask(0o022);
  const { values } = parseArgs({
    options: {
      executable: { type: "string", default: join(root, "dist/neocrm") },
      outfile: { type: "string", default: join(root, "dist/neocrm-image.tar") },
      level: { type: "string", default: "22" },
      json: { type: "boolean", default: false },
    },
  });
  await asRoot();
  const report = await makeImage(resolve(values.executable), resolve(values.outfile), Number(values.level));
  if (values.json) console.log(JSON.stringify(report));
  else {
    const { size, files, run } = report;
    console.log(
      `${values.outfile}  ${(size / 1e6).toFixed(1)} MB compressed (wanted: under ${wantedSize / 1e6})
${files.join("\n")}
answered ${run.startMs.toFixed(0)} ms after the start as user ${run.uid}: ${JSON.stringify(run.health)}`,
    );
  }
  const faults = faultsOf(report);
  for (const fault of faults) console.error(fault);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
