import { expect, test } from "bun:test";
import { translate, Translated } from "../../src/base/translated.ts";

async function* numbers(count: number): AsyncGenerator<number, void, undefined> {
  for (let i = 1; i <= count; i++) yield i;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

test("an item becomes none, one or several", async () => {
  let closed = 0;
  const read = (n: number) => Array.from({ length: n - 1 }, () => n);
  const items = new Translated(() => ({ source: numbers(3), read, close: () => closed++ }));
  expect(await all(items)).toEqual([2, 3, 3]);
  expect(closed).toBe(1);
});

test("nothing is opened before somebody reads, and what opening throws is what reading throws", async () => {
  let opened = 0;
  const items = new Translated<number, number>(async () => {
    opened++;
    throw new Error("refused");
  });
  expect(opened).toBe(0);
  expect(all(items)).rejects.toThrow("refused");
  expect(opened).toBe(1);
});

test("a reader that leaves closes the source once", async () => {
  let closed = 0;
  let returned = 0;
  const source = {
    next: async () => ({ done: false as const, value: 1 }),
    return: async () => ({ done: true as const, value: ++returned }),
  };
  const items = new Translated(() => ({ source, read: (n: number) => [n], close: () => closed++ }));
  for await (const item of items) if (item === 1) break;
  expect(await items.next()).toEqual({ done: true, value: undefined });
  expect([closed, returned]).toEqual([1, 1]);
});

test("a reader that leaves while the source is being opened closes it when it is there", async () => {
  const gate = Promise.withResolvers<void>();
  let closed = 0;
  const items = new Translated(async () => {
    await gate.promise;
    return { source: numbers(1), read: (n: number) => [n], close: () => closed++ };
  });
  const first = items.next();
  await items.return();
  gate.resolve();
  expect(await first).toEqual({ done: true, value: undefined });
  expect(closed).toBe(1);
});

test("a failure of the source or of its translation closes it and reaches the reader", async () => {
  let closed = 0;
  const failing = {
    next: async (): Promise<IteratorResult<number>> => {
      throw new Error("source");
    },
  };
  expect(all(new Translated(() => ({ source: failing, read: () => [], close: () => closed++ })))).rejects.toThrow(
    "source",
  );
  const bad = () => {
    throw new Error("translation");
  };
  const items = all(new Translated(() => ({ source: numbers(1), read: bad, close: () => closed++ })));
  expect(await items.catch((error: Error) => error.message)).toBe("translation");
  expect(closed).toBe(2);
});

test("what follows the last item comes after it, even when there was none", async () => {
  const end = () => [0, -1];
  expect(await all(translate(numbers(2), (n) => [n], end))).toEqual([1, 2, 0, -1]);
  expect(await all(translate(numbers(0), (n) => [n], end))).toEqual([0, -1]);
});
