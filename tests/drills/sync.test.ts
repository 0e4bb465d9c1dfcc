import { expect, test } from "bun:test";
import { readTrace, syncDrill } from "./sync";

const request = '11 recvfrom(20<TCP:[a->b]>, "POST /api/clients HTTP/1", 1000) = 300';
const sync = "11 fdatasync(9</data/neocrm.db-wal>) = 0";
const answer = '11 sendto(20<TCP:[a->b]>, "HTTP/1.1 201 Created\\r\\nAcc", 500) = 500';
const other = "11 fdatasync(8</data/neocrm.db>) = 0";

test.each([
  ["request, sync, answer", [request, sync, answer], { acknowledgements: 1, unsynced: 0 }],
  ["no sync at all", [request, answer], { acknowledgements: 1, unsynced: 1 }],
  ["a sync before the request came", [sync, request, answer], { acknowledgements: 1, unsynced: 1 }],
  ["a sync after the answer", [request, answer, sync], { acknowledgements: 1, unsynced: 1 }],
  ["a sync of another file", [request, other, answer], { acknowledgements: 1, unsynced: 1 }],
  [
    "a sync that ends only after the answer",
    [
      request,
      "12 fdatasync(9</data/neocrm.db-wal> <unfinished ...>",
      answer,
      "12 <... fdatasync resumed>) = 0",
    ],
    { acknowledgements: 1, unsynced: 1 },
  ],
  [
    "a sync that ends in time",
    [
      request,
      "12 fdatasync(9</data/neocrm.db-wal> <unfinished ...>",
      "12 <... fdatasync resumed>) = 0",
      answer,
    ],
    { acknowledgements: 1, unsynced: 0 },
  ],
])("reading a trace: %s", (_, lines, wanted) => {
  expect(readTrace(lines.join("\n"))).toMatchObject(wanted);
});

test("the WAL is synced before each acknowledgement goes out", async () => {
  const { acknowledgements, unsynced, syncs } = await syncDrill({ writers: 8, each: 10 });
  expect(acknowledgements).toBe(80);
  expect(unsynced).toBe(0);
  expect(syncs).toBeGreaterThan(0);
}, 60_000);
