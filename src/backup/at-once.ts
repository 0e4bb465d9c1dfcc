/**
 * Does `work` for each of `items`, some of them at once: most of the time, each waits for a disk.
 * @throws what the first one threw, once those under way are over
 */
export async function eachAtOnce<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  most: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  let failure: { reason: unknown } | undefined;
  const workOn = async () => {
    while (!failure) {
      const next = await iterator.next();
      if (next.done) return;
      await work(next.value);
    }
  };
  const fail = (reason: unknown) => void (failure ??= { reason });
  await Promise.all(Array.from({ length: most }, () => workOn().catch(fail)));
  if (!failure) return;
  await iterator.return?.();
  throw failure.reason;
}
