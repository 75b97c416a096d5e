// Odd settings and damaged numbers: the engine itself on tiny models.

import { expect, test } from "bun:test";
import { SteppedEngine } from "../support/stepped-engine.ts";
import { layoutBytes, type TinyLayout, tinyGguf, tinyLayout } from "../support/tiny-gguf.ts";

const LIMIT_MS = 60_000;
const KIB = 1024;

test(
  "with num_batch 1 more answers than one run at once",
  async () => {
    using stepped = await SteppedEngine.open(tinyGguf("llama"), { batch: 1, kvBytesPerToken: KIB });
    const prompts = Array.from({ length: 12 }, (_, i) => `number ${i} of them`);
    const done = stepped.ask(prompts, { maxTokens: 6 });
    expect(done.every(({ generatedTokens }) => generatedTokens >= 1)).toBe(true);
    expect(stepped.plan?.[0]).toBe(8);
  },
  LIMIT_MS,
);

/** The tiny llama, in which the letter Z is not a number. */
function poisoned(): Uint8Array {
  const layout: TinyLayout = tinyLayout("llama");
  const width = 64;
  const token = 3 + "Z".charCodeAt(0); // three control tokens come before the bytes
  const table = layout.tensors.find(({ name }) => name === "token_embd.weight");
  if (table === undefined) throw new Error("no token table");
  new Float32Array(table.data.buffer).fill(Number.NaN, token * width, (token + 1) * width);
  return layoutBytes(layout);
}

test.each(["auto", "off"] as const)(
  "numbers that are none end their own request, not its neighbours, nor who has its place later (flash attention %s)",
  async (flashAttention) => {
    using stepped = await SteppedEngine.open(poisoned(), { flashAttention, kvBytesPerToken: KIB, maxSequences: 2 });
    const [bad, good] = stepped.outcomes(["hello Z hello", "the user is in"]);
    expect(bad).toContain("NaN");
    expect(good).toMatchObject({ reason: expect.any(String) as string });
    for (let round = 0; round < 4; round++) {
      const outcomes = stepped.outcomes([`hello ${round}`, `the user ${round}`], { maxTokens: 8 });
      for (const outcome of outcomes) expect(outcome).toMatchObject({ type: "done" });
    }
  },
  LIMIT_MS,
);

test(
  "a short text is embedded with little memory, however long the model's context is",
  async () => {
    const layout = tinyLayout("llama");
    layout.metadata.set("llama.context_length", { type: "u32", value: 1 << 20 });
    const limits = { maxContext: 1 << 20, kvBytesPerToken: 1 };
    using stepped = await SteppedEngine.open(layoutBytes(layout), limits);
    const [short = []] = stepped.embed(["a short text"]);
    const before = process.memoryUsage().rss;
    expect(stepped.embed(["a short text"])[0]).toEqual([...short]);
    // A longer one makes room for itself, and changes nothing for others.
    const [, again = []] = stepped.embed([Array.from({ length: 1500 }, (_, i) => `w${i}`).join(" "), "a short text"]);
    expect(process.memoryUsage().rss - before).toBeLessThan(2048 * KIB * KIB);
    for (const [i, value] of again.entries()) expect(value).toBeCloseTo(short[i] ?? 0, 2);
  },
  LIMIT_MS,
);

test(
  "beside answers few texts are embedded at a time, but one always",
  async () => {
    using stepped = await SteppedEngine.open(tinyGguf("llama"), { kvBytesPerToken: KIB });
    const { embedder } = stepped.loaded;
    const text = Array.from({ length: 30 }, (_, i) => `w${i}`).join(" ");
    const inputs = Array.from({ length: 6 }, () => text);
    const steps = (most?: number) => {
      embedder.submit({ type: "embed", id: 1, inputs, query: undefined, truncate: true, contextLimit: 2048 });
      let count = 0;
      for (; !embedder.idle; count++) embedder.step(most);
      return count;
    };
    expect([steps(), steps(10), steps(300)]).toEqual([1, 6, 3]);
  },
  LIMIT_MS,
);

test(
  "log-probabilities are told with the text they belong to: none of a stop word, and every alternative by its name",
  async () => {
    using stepped = await SteppedEngine.open(tinyGguf("llama"), { kvBytesPerToken: KIB });
    const told = (stop: readonly string[]) => {
      const from = stepped.said.length;
      const [done] = stepped.ask(["tell me"], { maxTokens: 24, logprobs: 282, stop });
      const deltas = stepped.said.slice(from).flatMap((message) => (message.type === "step" ? message.deltas : []));
      const steps = deltas.flatMap(({ logprobs = [] }) => logprobs);
      return { text: deltas.map(({ text }) => text).join(""), steps, stopWord: done?.stopWord };
    };
    const whole = told([]);
    expect(whole.steps.length).toBeGreaterThan(8);
    expect(whole.steps[0]?.top?.map(({ token }) => token)).toContain("<|im_end|>");
    expect(whole.steps[0]?.top?.filter(({ bytes }) => bytes.length === 0)).toEqual([]);
    // A word over the border of two tokens, the second of which goes on behind it.
    const word = whole.text.slice(3, 5);
    const cut = told([word]);
    expect(cut.stopWord).toBe(word);
    expect(cut.text).toBe(whole.text.slice(0, whole.text.indexOf(word)));
    const spelled = Buffer.concat(cut.steps.map(({ bytes }) => Buffer.from(bytes))).toString("utf8");
    expect(spelled.startsWith(cut.text)).toBe(true);
    expect(spelled.length).toBeLessThan(cut.text.length + (whole.steps[cut.steps.length - 1]?.token.length ?? 0) + 1);
  },
  LIMIT_MS,
);
