/** An image that is too large, or does not run as it should, is not shipped, and whoever made it reads why. */
import { expect, test } from "bun:test";
import { faultsOf, wantedSize } from "../../../scripts/image";

const run = {
  ...{
    startMs: 100,
    health: { status: "ok" },
    healthcheck: 0,
    uid: 65_532,
    isRootReadOnly: true,
    exitCode: 0,
  },
};
const smaller = wantedSize - 1;

test.each([
  ["as it should be", { size: smaller, run }, []],
  ["too large", { size: wantedSize, run }, [/^It is too large: 50.00 MB/]],
  ["not healthy", { size: smaller, run: { ...run, healthcheck: 1 } }, [/^Its health check exits 1/]],
  [
    "on a file system that it can write",
    { size: smaller, run: { ...run, isRootReadOnly: false } },
    [/written/],
  ],
  ["run by root", { size: smaller, run: { ...run, uid: 0 } }, [/root/]],
  ["one that does not end well", { size: smaller, run: { ...run, exitCode: 137 } }, [/exits 137/]],
])("an image %s", (_name, report, faults) => {
  const found = faultsOf(report);
  expect(found).toHaveLength(faults.length);
  for (const [index, fault] of faults.entries()) expect(found[index]).toMatch(fault);
});
