/** An image on disk, in the form of the Open Container Initiative: https://github.com/opencontainers/image-spec */
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** What a blob is, as an image's manifest names it. */
interface Descriptor {
  mediaType: string;
  /** `sha256:` and the hash in hexadecimal. */
  digest: string;
  /** In bytes. */
  size: number;
}

interface Manifest {
  schemaVersion: 2;
  mediaType: string;
  config: Descriptor;
  layers: Descriptor[];
}

/** What runs, and how. */
export interface ImageConfig {
  created: string;
  architecture: string;
  os: string;
  config: {
    User: string;
    Env: string[];
    Entrypoint: string[];
    Cmd: string[];
    WorkingDir: string;
    Volumes: Record<string, object>;
    ExposedPorts: Record<string, object>;
    StopSignal: string;
    Labels: Record<string, string>;
    /** `Test` is `CMD` and a command; times are nanoseconds. */
    Healthcheck: { Test: string[]; Interval: number; Timeout: number; StartPeriod: number; Retries: number };
  };
  rootfs: { type: "layers"; diff_ids: string[] };
}

/** An image in a folder. */
export interface ImageLayout {
  folder: string;
  config: ImageConfig;
  /** Bytes that are fetched to run it: manifest, configuration and layers. */
  size: number;
  /** The paths of its layers, from the lowest to the highest, each a tar with zstd. */
  layers: string[];
}

const oci = "application/vnd.oci.image";

/**
 * Makes a layout from what `buildah push … dir:FOLDER` wrote in Docker's format without compression: that one keeps the health
 * check, which buildah drops from the other, and the layers are compressed here, with the real zstd.
 * @param level of zstd, 1 to 22
 */
export async function writeLayout(dir: string, folder: string, level: number): Promise<ImageLayout> {
  const blobs = join(folder, "blobs/sha256");
  mkdirSync(blobs, { recursive: true });
  const blobIn = (digest: string) => Bun.file(join(dir, digest.slice("sha256:".length)));
  const add = async (mediaType: string, bytes: Uint8Array): Promise<Descriptor> => {
    const hash = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
    await Bun.write(join(blobs, hash), bytes);
    return { mediaType, digest: `sha256:${hash}`, size: bytes.length };
  };
  const built = (await Bun.file(join(dir, "manifest.json")).json()) as Manifest;
  const layers: Descriptor[] = [];
  for (const { digest } of built.layers) {
    const bytes = await Bun.zstdCompress(await blobIn(digest).bytes(), { level });
    layers.push(await add(`${oci}.layer.v1.tar+zstd`, bytes));
  }
  const config = lasting((await blobIn(built.config.digest).json()) as ImageConfig);
  const described = await add(`${oci}.config.v1+json`, json(config));
  const manifest: Manifest = {
    ...{ schemaVersion: 2, mediaType: `${oci}.manifest.v1+json` },
    ...{ config: described, layers },
  };
  const named = {
    ...(await add(manifest.mediaType, json(manifest))),
    annotations: { "org.opencontainers.image.ref.name": "neocrm" },
  };
  await Bun.write(join(folder, "index.json"), json({ schemaVersion: 2, manifests: [named] }));
  await Bun.write(join(folder, "oci-layout"), json({ imageLayoutVersion: "1.0.0" }));
  return {
    folder,
    config,
    size: [named, described, ...layers].reduce((total, { size }) => total + size, 0),
    layers: layers.map(({ digest }) => join(blobs, digest.slice("sha256:".length))),
  };
}

/** What an image is, without what only tells how it was made: the same files give the same image. */
function lasting({ created, architecture, os, config, rootfs }: ImageConfig): ImageConfig {
  const { User, Env, Entrypoint, Cmd, WorkingDir, Volumes, ExposedPorts, StopSignal, Healthcheck } = config;
  const Labels = Object.fromEntries(
    Object.entries(config.Labels).filter(([name]) => name.startsWith("org.opencontainers.")),
  );
  const running = { User, Env, Entrypoint, Cmd, WorkingDir, Volumes, ExposedPorts, StopSignal, Healthcheck };
  return { created, architecture, os, config: { ...running, Labels }, rootfs };
}

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** Lays the layers of an image over each other in a new folder. */
export async function unpack({ layers }: ImageLayout, folder: string): Promise<void> {
  mkdirSync(folder);
  for (const layer of layers) {
    const bytes = await Bun.zstdDecompress(await Bun.file(layer).bytes());
    const tar = Bun.spawn(["tar", "--extract", "--same-owner", "--same-permissions", "--directory", folder], {
      stdio: [bytes, "ignore", "pipe"],
    });
    if ((await tar.exited) !== 0) throw new Error(await new Response(tar.stderr).text());
  }
}

/** Every file of an unpacked image, with its path inside. */
export const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join("/", entry.parentPath.slice(folder.length), entry.name))
    .toSorted();
