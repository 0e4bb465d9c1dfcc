/**
 * Lists what is in the executable, from `bun.lock`, as CycloneDX 1.6:
 *
 *   bun scripts/sbom.ts > neocrm.cdx.json
 *
 * The same lock file gives the same list.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { description, name, version } from "../package.json";
import { entrypoints } from "./build";

const root = resolve(import.meta.dir, "..");

/** A package as `bun.lock` describes it: `name@version`, where it is from, what it needs, its hash. */
type Locked = [id: string, from: string, needs: Needs, integrity: string];

interface Needs {
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  optionalPeers?: string[];
}

/** A part of the executable. */
export interface Component {
  type: "library" | "platform";
  "bom-ref": string;
  /** Its scope, such as `@elysiajs`. */
  group?: string;
  name: string;
  version: string;
  purl: string;
  hashes?: { alg: "SHA-512"; content: string }[];
  licenses?: { expression: string }[];
}

/** A list of what a program is made of. */
export interface Sbom {
  bomFormat: "CycloneDX";
  specVersion: "1.6";
  /** Made from the list itself, so that two of the same are the same. */
  serialNumber: string;
  version: 1;
  metadata: { component: object };
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

/** The names of the packages whose files the program is made of. */
export async function bundled(): Promise<Set<string>> {
  const { metafile } = await Bun.build({
    ...{ entrypoints: entrypoints(), root: join(root, "src") },
    ...{ target: "bun", format: "esm", metafile: true },
  });
  const names = Object.keys(metafile!.inputs).flatMap(
    (file) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? [],
  );
  return new Set(names);
}

/** Makes the list for this tree. Licences are read from `node_modules`, where they are. */
export async function sbom(): Promise<Sbom> {
  const inside = await bundled();
  const lock = Bun.JSONC.parse(readFileSync(join(root, "bun.lock"), "utf8")) as {
    workspaces: { "": Needs };
    packages: Record<string, Locked>;
  };
  const found = new Map<string, Component>();
  const dependencies = new Map<string, string[]>();
  const self = `pkg:npm/${name}@${version}`;

  const visit = (ref: string, at: string, needs: Needs) => {
    const keys = needed(needs, inside).flatMap((wanted) => resolved(lock.packages, at, wanted) ?? []);
    dependencies.set(ref, [...new Set(keys.map((key) => refOf(lock.packages[key]!)))].toSorted());
    for (const key of keys) {
      const locked = lock.packages[key]!;
      if (found.has(refOf(locked))) continue;
      found.set(refOf(locked), componentOf(key, locked));
      visit(refOf(locked), key, locked[2] ?? {});
    }
  };
  visit(self, "", lock.workspaces[""]);

  const runtime = `pkg:npm/bun@${Bun.version}`;
  found.set(runtime, {
    ...{ type: "platform", "bom-ref": runtime, name: "bun", version: Bun.version, purl: runtime },
    licenses: [{ expression: "MIT" }],
  });
  dependencies.set(runtime, []);
  dependencies.get(self)!.push(runtime);

  const content = {
    metadata: { component: { type: "application", "bom-ref": self, name, version, description, purl: self } },
    components: [...found.values()].toSorted((a, b) => (a.purl < b.purl ? -1 : 1)),
    dependencies: [...dependencies].map(([ref, dependsOn]) => ({ ref, dependsOn })),
  };
  const serialNumber = `urn:uuid:${uuidOf(JSON.stringify(content))}`;
  return { bomFormat: "CycloneDX", specVersion: "1.6", serialNumber, version: 1, ...content };
}

/**
 * What a package needs to run. Peers that it can do without count when their code is inside: a bundler takes what is installed,
 * whoever asked for it.
 */
function needed(
  { dependencies, optionalDependencies, peerDependencies, optionalPeers = [] }: Needs,
  inside: Set<string>,
) {
  const peers = Object.keys(peerDependencies ?? {}).filter(
    (peer) => !optionalPeers.includes(peer) || inside.has(peer),
  );
  return [...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers];
}

/** The key of what a package finds under a name: its own copy, or that of the nearest package around it. */
function resolved(packages: Record<string, Locked>, at: string, wanted: string): string | undefined {
  const around = at.match(/(?:@[^/]+\/)?[^/]+/g) ?? [];
  for (let depth = around.length; depth >= 0; depth--) {
    const key = [...around.slice(0, depth), wanted].join("/");
    if (key in packages) return key;
  }
  return undefined;
}

/** `@scope/name@1.2.3` in its parts. */
function partsOf(id: string) {
  const [, group, name, version] = /^(?:(@[^/]+)\/)?([^@]+)@(.+)$/.exec(id)!;
  return { group, name: name!, version: version! };
}

/** A package URL, which names a package everywhere. */
function refOf([id]: Locked): string {
  const { group, name, version } = partsOf(id);
  return `pkg:npm/${group ? `${encodeURIComponent(group)}/` : ""}${name}@${encodeURIComponent(version)}`;
}

function componentOf(key: string, locked: Locked): Component {
  const { group, name, version } = partsOf(locked[0]);
  const license = licenseOf(key);
  const integrity = /^sha512-(.+)$/.exec(locked[3] ?? "")?.[1];
  return {
    ...{
      type: "library",
      "bom-ref": refOf(locked),
      ...(group && { group }),
      name,
      version,
      purl: refOf(locked),
    },
    ...(integrity && {
      hashes: [{ alg: "SHA-512", content: Buffer.from(integrity, "base64").toString("hex") }],
    }),
    ...(license && { licenses: [{ expression: license }] }),
  };
}

/** The licence that an installed package names; nothing where it is not installed or does not say. */
function licenseOf(key: string): string | undefined {
  const folders = key.match(/(?:@[^/]+\/)?[^/]+/g)!.join("/node_modules/");
  const file = join(root, "node_modules", folders, "package.json");
  if (!existsSync(file)) return undefined;
  const { license } = JSON.parse(readFileSync(file, "utf8")) as { license?: unknown };
  return typeof license === "string" && !license.startsWith("SEE ") ? license : undefined;
}

/** A UUID (version 8: of one's own making) that follows from a text. */
function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

if (import.meta.main) console.log(JSON.stringify(await sbom(), null, 2));
