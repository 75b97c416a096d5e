// The context grows and shrinks, and no conversation is forgotten by it: the engine itself on tiny models, told that a token of
// cache takes a megabyte.

import { describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SteppedEngine } from "../support/stepped-engine.ts";
import { tinyGguf } from "../support/tiny-gguf.ts";

const MIB = 1024 * 1024;
const LIMIT_MS = 60_000;

const talk = (at: number, words: number) => Array.from({ length: words }, (_, i) => `${at}w${i % 7}`).join(" ");
const TALKS = Array.from({ length: 8 }, (_, at) => talk(at, 40));

describe.each(["llama", "gemma3"] as const)("a %s context", (kind) => {
  test(
    "gives up sequences for a longer prompt, and what they held comes back from host memory",
    async () => {
      using stepped = await SteppedEngine.open(tinyGguf(kind));
      const first = stepped.ask(TALKS);
      expect(stepped.plan?.[0]).toBe(8);
      stepped.ask([talk(9, 500)]);
      expect(stepped.plan).toEqual([1, 2048]);
      for (const [at, again] of TALKS.entries()) {
        const [done] = stepped.ask([`${again} ${at}`]);
        expect(done?.evaluatedTokens).toBeLessThan((first[at]?.promptTokens ?? 0) / 2);
      }
    },
    LIMIT_MS,
  );

  test(
    "gives up length for many short prompts, and a long one that was held comes back from host memory",
    async () => {
      using stepped = await SteppedEngine.open(tinyGguf(kind));
      const long = talk(9, 400);
      const [first] = stepped.ask([long]);
      expect(stepped.plan).toEqual([1, 2048]);
      stepped.ask(TALKS);
      expect(stepped.plan).toEqual([8, 256]);
      const [done] = stepped.ask([`${long} again`]);
      expect(done?.evaluatedTokens).toBeLessThan((first?.promptTokens ?? 0) / 2);
    },
    LIMIT_MS,
  );

  test(
    "after a rest is as small as at first, and what it held comes back: the last talk at once, the others from disk",
    async () => {
      const stateDir = mkdtempSync(join(tmpdir(), "states-"));
      const kept = { stateDir, stateDirBytes: 64 * MIB, prefixCacheBytes: 0 };
      using stepped = await SteppedEngine.open(tinyGguf(kind), kept);
      const first = stepped.ask(TALKS);
      expect(stepped.plan?.[0]).toBe(8);
      // A message waits for one conversation to be written, not for all of them.
      expect(stepped.persistAll()).toBe(TALKS.length);
      expect(readdirSync(stateDir)).toHaveLength(TALKS.length);
      stepped.loaded.engine.giveBack();
      expect(stepped.plan).toEqual([1, 512]);
      for (const [at, again] of TALKS.entries()) {
        const [done] = stepped.ask([`${again} ${at}`]);
        expect(done?.evaluatedTokens).toBeLessThan((first[at]?.promptTokens ?? 0) / 2);
      }
      rmSync(stateDir, { recursive: true });
    },
    LIMIT_MS,
  );

  test(
    "without a disk cache keeps its talks in host memory when it gives its own back",
    async () => {
      using stepped = await SteppedEngine.open(tinyGguf(kind));
      const first = stepped.ask(TALKS);
      stepped.loaded.engine.giveBack();
      expect(stepped.plan).toEqual([1, 512]);
      const [done] = stepped.ask([`${TALKS[3]} again`]);
      expect(done?.evaluatedTokens).toBeLessThan((first[3]?.promptTokens ?? 0) / 2);
    },
    LIMIT_MS,
  );
});

test.each(["llama", "gemma3", "lfm2", "mamba"] as const)(
  "a %s context that grows under running answers changes none of them",
  async (kind) => {
    const asked = { maxTokens: 80, returnTokens: true, grammar: "root ::= [a-z ]*" };
    const prompts = TALKS.slice(0, 3);
    using calm = await SteppedEngine.open(tinyGguf(kind), { kvBytesPerToken: 1024 });
    const expected = calm.ask(prompts, asked).map(({ tokens }) => tokens);
    using stepped = await SteppedEngine.open(tinyGguf(kind), { kvBytesPerToken: 1024 });
    const ids = prompts.map((prompt) => stepped.submit(prompt, asked));
    for (let i = 0; i < 20; i++) stepped.loaded.engine.step();
    const before = stepped.plan;
    stepped.ask([talk(5, 300)]);
    expect(stepped.plan?.[1]).toBeGreaterThan(before?.[1] ?? 512);
    for (const [i, id] of ids.entries()) {
      const outcome = stepped.outcome(id);
      expect(outcome).toMatchObject({ tokens: expected[i] });
    }
  },
  LIMIT_MS,
);

test(
  "nothing is given back where neither memory nor disk may keep what would be lost",
  async () => {
    using stepped = await SteppedEngine.open(tinyGguf("llama"), { prefixCacheBytes: 0 });
    stepped.ask(TALKS);
    const before = stepped.plan;
    stepped.loaded.engine.giveBack();
    expect(stepped.plan).toEqual(before);
    expect(stepped.ask([`${TALKS[1]} again`])[0]?.evaluatedTokens).toBeLessThan(20);
  },
  LIMIT_MS,
);

test(
  "a context that is not much larger than needed stays as it is",
  async () => {
    using stepped = await SteppedEngine.open(tinyGguf("llama"), { kvBytesPerToken: 1024 });
    stepped.ask(TALKS);
    const before = stepped.plan;
    stepped.loaded.engine.giveBack();
    expect(stepped.plan).toEqual(before);
  },
  LIMIT_MS,
);
