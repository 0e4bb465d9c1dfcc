import { expect, test } from "bun:test";
import { dependencies } from "../../../package.json";
import { sbom } from "../../../scripts/sbom";

const made = await sbom();
const names = new Set(made.components.map(({ name }) => name));

test("it has what dependencies lead to, what is bundled because it is there, and the runtime", () => {
  for (const name of ["elysia", "memoirist", "uplot", "supports-color", "bun"]) expect(names).toContain(name);
});

test("what only develops and tests it is not", () => {
  for (const name of Object.keys(dependencies)) expect(names).toContain(name);
  for (const name of ["oxlint", "newman", "drizzle-kit", "playwright-core"])
    expect(names).not.toContain(name);
});

test("each part is named once, with its hash, and whatever is referred to is there", () => {
  const refs = made.components.map((component) => component["bom-ref"]);
  expect(new Set(refs).size).toBe(refs.length);
  expect(made.dependencies.map(({ ref }) => ref).toSorted()).toEqual(
    [made.metadata.component["bom-ref"], ...refs.filter((ref) => !ref.startsWith("pkg:npm/bun@"))].toSorted(),
  );
  expect(
    made.dependencies.flatMap(({ dependsOn }) => dependsOn).filter((ref) => !refs.includes(ref)),
  ).toEqual([]);
  for (const { type, hashes } of made.components)
    if (type === "library") expect(hashes?.[0]?.content).toMatch(/^[0-9a-f]{128}$/);
});

test("licences are told", () => {
  const elysia = made.components.find(({ name }) => name === "elysia");
  expect(elysia?.licenses).toEqual([{ license: { id: "MIT" } }]);
  expect(made.components.filter(({ type, licenses }) => type === "library" && !licenses)).toEqual([]);
});
