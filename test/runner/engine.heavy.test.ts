// What the decode loop promises its requests, step by step, on tiny models.

import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GenerateDone } from "../../src/runner/protocol.ts";
import { SteppedEngine } from "../support/stepped-engine.ts";
import { tinyGguf } from "../support/tiny-gguf.ts";

const LIMIT_MS = 60_000;
const small = { kvBytesPerToken: 1024 };
/** Cannot end before its time. */
const ENDLESS = { grammar: "root ::= [a-z ]{1500}", maxTokens: 400 };
const words = (count: number, from: string): string => Array.from({ length: count }, (_, i) => `${from}${i}`).join(" ");
const open = (options = {}) => SteppedEngine.open(tinyGguf("llama"), { ...small, ...options });
const done = (outcome: GenerateDone | string | undefined): GenerateDone => {
  if (outcome === undefined || typeof outcome === "string") throw new Error(outcome ?? "no outcome");
  return outcome;
};

test(
  "many with the same beginning compute it once, also when the first of them is given up over it",
  async () => {
    for (const givenUp of [false, true]) {
      using stepped = await open({ batch: 128 });
      const shared = words(100, "s");
      const ids = Array.from({ length: 8 }, (_, i) => stepped.submit(`${shared} and ${i}`));
      const { engine } = stepped.loaded;
      engine.step();
      if (givenUp) engine.cancel(ids.shift() ?? 0);
      while (!engine.idle) engine.step();
      const outcomes = ids.map((id) => done(stepped.outcome(id)));
      const one = outcomes[0]?.promptTokens ?? 0;
      const evaluated = outcomes.reduce((sum, { evaluatedTokens }) => sum + evaluatedTokens, 0);
      expect(evaluated).toBeLessThan(one * 1.3);
    }
  },
  LIMIT_MS,
);

test(
  "while a long prompt is read every running answer gets its token in every step, and a short prompt does not wait",
  async () => {
    using stepped = await open({ batch: 64 });
    const { engine } = stepped.loaded;
    const streams = Array.from({ length: 3 }, (_, i) => stepped.submit(`stream ${i}`, { ...ENDLESS, logprobs: 0 }));
    while (stepped.said.filter(({ type }) => type === "started").length < 3) engine.step();
    for (let i = 0; i < 20; i++) engine.step();
    const long = stepped.submit(words(300, "l"));
    const short = stepped.submit("short");
    let steps = 0;
    let shortAfter = 0;
    for (; stepped.outcome(long) === "no end"; steps++) {
      const from = stepped.said.length;
      engine.step();
      const deltas = stepped.said.slice(from).flatMap((message) => (message.type === "step" ? message.deltas : []));
      for (const id of streams) expect(deltas.filter((delta) => delta.id === id).length).toBeGreaterThan(0);
      if (shortAfter === 0 && typeof stepped.outcome(short) !== "string") shortAfter = steps + 1;
    }
    expect(steps).toBeGreaterThan(8);
    expect(shortAfter).toBeWithin(1, 4);
  },
  LIMIT_MS,
);

test(
  "who is given up leaves at once, in its prompt, in its answer or in the queue, and is not computed on",
  async () => {
    using stepped = await open({ batch: 32, maxSequences: 2 });
    const { engine } = stepped.loaded;
    const answering = stepped.submit("stream", ENDLESS);
    for (let i = 0; i < 5; i++) engine.step();
    const reading = stepped.submit(words(100, "r"));
    const queued = Array.from({ length: 200 }, (_, i) => stepped.submit(words(50, `q${i}x`)));
    for (let i = 0; i < 3; i++) engine.step();
    const { steps, promptTokens } = engine.measures;
    for (const id of [...queued, reading, answering]) engine.cancel(id);
    expect(engine.idle).toBe(true);
    engine.step();
    expect(engine.measures).toMatchObject({ steps, promptTokens });
    expect(done(stepped.outcomes(["next"])[0]).generatedTokens).toBe(1);
  },
  LIMIT_MS,
);

test(
  "what repeats is guessed from the text, and the answer is what it is without guesses",
  async () => {
    using stepped = await open();
    const prompt = "the user said hello, the user said hello, the user said hello, the user";
    const asked = { maxTokens: 200, returnTokens: true, grammar: 'root ::= (" said hello, the user"){9}' };
    const [plain] = stepped.ask([prompt], { ...asked, draftTokens: 0 });
    const [drafted] = stepped.ask([prompt], { ...asked, draftTokens: undefined });
    expect(drafted?.draftedTokens).toBeGreaterThan(20);
    expect(drafted?.acceptedTokens).toBeGreaterThan(20);
    expect(plain?.draftedTokens).toBe(0);
    expect(drafted?.tokens).toEqual([...(plain?.tokens ?? [])]);
  },
  LIMIT_MS,
);

test(
  "states on disk serve the next process; a damaged one, one of another cell type and one of another model do not",
  async () => {
    const stateDir = mkdtempSync(join(tmpdir(), "states-"));
    const kept = { stateDir, stateDirBytes: 2 ** 26, prefixCacheBytes: 0 };
    const talk = words(60, "t");
    const asked = { maxTokens: 8, returnTokens: true };
    using first = await open(kept);
    const [cold] = first.ask([talk], asked);
    expect(first.persistAll()).toBe(1);
    const name = join(stateDir, readdirSync(stateDir)[0] ?? "");
    const whole = readFileSync(name);
    const again = async (options: object, gguf = tinyGguf("llama")) => {
      using stepped = await SteppedEngine.open(gguf, { ...small, ...kept, ...options });
      return done(stepped.outcomes([talk], asked)[0]);
    };
    const warm = await again({});
    expect(warm.evaluatedTokens).toBe(1);
    expect(warm.tokens).toEqual([...(cold?.tokens ?? [])]);
    // As a disk may damage it, the state's checksum and all; and then as a file that was made for something else.
    const damaged = Buffer.from(whole);
    damaged[damaged.length - 100] = (damaged.at(-100) ?? 0) ^ 1;
    writeFileSync(name, damaged);
    const repaired = await again({});
    expect([repaired.evaluatedTokens, repaired.tokens]).toEqual([repaired.promptTokens, warm.tokens]);
    writeFileSync(name, whole);
    const foreign = await again({ kvType: "q8_0" });
    expect(foreign.evaluatedTokens).toBe(foreign.promptTokens);
    writeFileSync(name, whole);
    const other = await again({}, tinyGguf("lfm2"));
    expect(other.evaluatedTokens).toBe(other.promptTokens);
    rmSync(stateDir, { recursive: true });
  },
  LIMIT_MS,
);
