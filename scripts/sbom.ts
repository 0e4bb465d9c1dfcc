/**
 * Writes what the executable is made of, as a CycloneDX document: the dependencies that
 * ship, what they lead to by bun.lock, whatever else is bundled because it happens to be installed, and Bun itself.
 *
 *   bun scripts/sbom.ts > neocrm.cdx.json
 */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { dependencies, devDependencies, version } from "../package.json";
import { entrypoints } from "./build";

const root = resolve(import.meta.dir, "..");

/** A package of the lock file: `name@version`, where it comes from, what it needs, and its hash (as `integrity`). */
type Locked = [id: string, source: string, needs: Needs, integrity: string];

interface Needs {
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  optionalPeers?: string[];
}

/** One part of the executable. */
export interface Component {
  type: "library" | "platform";
  "bom-ref": string;
  name: string;
  version: string;
  purl: string;
  hashes?: { alg: "SHA-512"; content: string }[];
  licenses?: ({ license: { id: string } } | { expression: string } | { license: { name: string } })[];
}

/** As much of CycloneDX 1.6 as is written here. */
export interface Sbom {
  bomFormat: "CycloneDX";
  specVersion: "1.6";
  version: 1;
  metadata: { component: { type: "application"; "bom-ref": string; name: string; version: string } };
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

/** The bill of materials. The same source gives the same, to the byte: it names no time. */
export async function sbom(): Promise<Sbom> {
  const { packages } = Bun.JSONC.parse(readFileSync(join(root, "bun.lock"), "utf8")) as {
    packages: Record<string, Locked>;
  };
  const shipped = shippedOf([...Object.keys(dependencies), ...(await bundled())], packages);
  const keys = [...shipped.keys()].toSorted();
  const refOf = (key: string) => purlOf(packages[key]![0]);
  const bun = `pkg:npm/bun@${devDependencies["bun-types"]}`;
  const self = `neocrm@${version}`;
  const direct = [...Object.keys(dependencies).map(refOf), bun];
  const edges = new Map([[self, new Set(direct)]]);
  for (const key of keys) edges.set(refOf(key), new Set(shipped.get(key)!.map(refOf)));
  const libraries = new Map(keys.map((key) => [refOf(key), componentOf(key, packages[key]!)]));
  return {
    ...{ bomFormat: "CycloneDX", specVersion: "1.6", version: 1 },
    metadata: { component: { type: "application", "bom-ref": self, name: "neocrm", version } },
    components: [
      ...libraries.values(),
      { type: "platform", "bom-ref": bun, name: "bun", version: devDependencies["bun-types"], purl: bun },
    ],
    dependencies: [...edges].map(([ref, needed]) => ({ ref, dependsOn: [...needed].toSorted() })),
  };
}

/** The keys of packages that the executable has files of. */
async function bundled(): Promise<Set<string>> {
  const { metafile } = await Bun.build({ entrypoints: entrypoints(), target: "bun", metafile: true });
  const keys = Object.keys(metafile!.inputs).map((file) => {
    const [, ...places] = file.split("node_modules/");
    return places.map((place) => parts(place)[0]!).join("/");
  });
  return new Set(keys.filter((key) => key !== ""));
}

/** The keys of all packages that these lead to, and for each those that it needs itself. */
function shippedOf(first: string[], packages: Record<string, Locked>): Map<string, string[]> {
  const shipped = new Map<string, string[]>();
  const visit = (key: string) => {
    if (shipped.has(key)) return;
    const [, , needs] = packages[key]!;
    const peers = Object.keys(needs.peerDependencies ?? {}).filter(
      (name) => !needs.optionalPeers?.includes(name),
    );
    const needed = [...Object.keys(needs.dependencies ?? {}), ...peers].map((name) =>
      placeOf(name, key, packages),
    );
    shipped.set(key, needed);
    needed.forEach(visit);
  };
  first.forEach(visit);
  return shipped;
}

/** Where `name` is found from the package at `from`: below it, or below what it is itself below, as Node looks. */
function placeOf(name: string, from: string, packages: Record<string, Locked>): string {
  for (let above = parts(from); above.length > 0; above = above.slice(0, -1)) {
    const key = [...above, name].join("/");
    if (Object.hasOwn(packages, key)) return key;
  }
  if (Object.hasOwn(packages, name)) return name;
  throw new Error(`bun.lock has no ${name}, which ${from} needs: run bun install.`);
}

/** The names in a key: `a/@b/c` is `@b/c` below `a`. */
const parts = (key: string): string[] => key.match(/(?:@[^/]+\/)?[^/]+/g)!;

function componentOf(key: string, [id, , , integrity]: Locked): Component {
  const at = id.lastIndexOf("@");
  const hash = /^sha512-(.+)$/.exec(integrity)?.[1];
  const licenses = licensesOf(key);
  return {
    type: "library",
    "bom-ref": purlOf(id),
    ...{ name: id.slice(0, at), version: id.slice(at + 1), purl: purlOf(id) },
    ...(hash && { hashes: [{ alg: "SHA-512", content: Buffer.from(hash, "base64").toString("hex") }] }),
    ...(licenses && { licenses }),
  };
}

/** The package's address in any list of packages: https://github.com/package-url/purl-spec */
function purlOf(id: string): string {
  const at = id.lastIndexOf("@");
  return `pkg:npm/${id.slice(0, at).replace("@", "%40")}@${id.slice(at + 1)}`;
}

/** What the installed package says of its licence: the lock file does not know. */
function licensesOf(key: string): Component["licenses"] {
  const file = join(root, "node_modules", parts(key).join("/node_modules/"), "package.json");
  if (!existsSync(file)) return undefined;
  const { license } = JSON.parse(readFileSync(file, "utf8")) as { license?: string };
  if (typeof license !== "string") return undefined;
  if (/^[\w.-]+$/.test(license)) return [{ license: { id: license } }];
  return / (?:OR|AND|WITH) /.test(license) ? [{ expression: license }] : [{ license: { name: license } }];
}

if (import.meta.main) console.log(JSON.stringify(await sbom(), null, 2));
