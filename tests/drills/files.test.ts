import { expect, test } from "bun:test";
import { newDatabase, postgres } from "../support/postgres";
import { filesDrill } from "./files";
import { diskDrill } from "./files-disk";
import { memoryDrill } from "./files-memory";
import { filesSyncDrill, inOrder } from "./files-sync";

test.concurrent(
  "kill -9 while files are uploaded, moved and deleted leaves rows and bytes that agree",
  async () => {
    const result = await filesDrill({ kills: 2, writers: 10, writes: 150, seed: 3 });
    expect(result).toMatchObject({ kills: 2, faults: [] });
    expect(result.acknowledged).toBeGreaterThan(100);
  },
  60_000,
);

test.concurrent(
  "and so it does on PostgreSQL",
  async () => {
    await postgres({ durable: true });
    const databaseUrl = await newDatabase({ durable: true, empty: true });
    const result = await filesDrill({ kills: 1, writers: 8, writes: 60, seed: 4, databaseUrl });
    expect(result).toMatchObject({ kills: 1, faults: [] });
    expect(result.acknowledged).toBeGreaterThan(25);
  },
  60_000,
);

test.concurrent(
  "bytes are synced before their row is, and that before the answer goes out",
  async () => {
    const uploads = await filesSyncDrill(5);
    expect(uploads).toEqual(Array.from({ length: 5 }, () => inOrder));
  },
  60_000,
);

test.concurrent(
  "a disk that is full, or cannot be written, leaves no half file, and the server goes on",
  async () => {
    expect(await diskDrill()).toEqual({
      ...{ full: [507, "no_space"], readOnly: [503, "busy"], afterwards: 201, others: [201, 201] },
      ...{ isWhole: true, left: [] },
    });
  },
  60_000,
);

test.concurrent(
  "a large file passes through, and is never held",
  async () => {
    const { grewMiB, ...result } = await memoryDrill(200);
    expect(result).toEqual({ status: 201, isWhole: true });
    expect(grewMiB).toBeLessThan(64);
  },
  60_000,
);
