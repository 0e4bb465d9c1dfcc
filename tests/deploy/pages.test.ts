/** What the pages lead to is there. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const root = resolve(import.meta.dir, "../..");
const pages = ["*.md", "docs/*.md"].flatMap((glob) => [...new Bun.Glob(glob).scanSync(root)]).toSorted();
const read = (page: string) => readFileSync(join(root, page), "utf8");

/** What a heading is called in an address, as the usual sites do it. */
const anchorsIn = (page: string): string[] =>
  [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );

/** The links of a page that lead to the repository itself: `file#anchor`, either may be missing. */
const linksIn = (page: string) =>
  [...read(page).matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].map(([, file, anchor]) => ({
    file: file ? join(dirname(page), file) : page,
    anchor,
  }));

test.each(pages)("%s leads to files and headings that are there", (page) => {
  for (const { file, anchor } of linksIn(page)) {
    expect([file, existsSync(join(root, file))]).toEqual([file, true]);
    if (anchor && file.endsWith(".md")) expect(anchorsIn(file)).toContain(anchor);
  }
});

test("who runs it, takes part, or found a weakness finds the page for it", () => {
  const linked = linksIn("README.md").map(({ file }) => file);
  for (const page of ["CONTRIBUTING.md", "docs/operations.md", "docs/security.md"])
    expect(linked).toContain(page);
  expect(linksIn("CONTRIBUTING.md").map(({ file }) => file)).toContain("SECURITY.md");
});
