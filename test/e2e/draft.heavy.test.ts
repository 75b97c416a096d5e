// A draft model guesses ahead and the answer stays the same: the small real model drafting for itself proves equality (nothing is
// said about speed: a real pair is needed for that), one of another vocabulary is refused.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fetchSmallModel } from "../../scripts/small-model.mjs";
import { runProgram } from "../support/program.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { tinyGguf } from "../support/tiny-gguf.ts";
import { type Answer, NativeClient } from "./native-client.ts";

const LIMIT_MS = 120_000;
const PROMPT = "Once upon a time, in a village by the sea, there lived";

let server: TestServer;
let client: NativeClient;

async function create(name: string, modelfile: string): Promise<void> {
  const path = join(server.home.path, `Modelfile-${name}`);
  writeFileSync(path, modelfile);
  const { exit, stderr } = await runProgram(["create", name, "-f", path], { env: server.env });
  if (exit !== 0) throw new Error(stderr);
}

beforeAll(async () => {
  server = await startServer();
  client = new NativeClient(server);
  const draft = join(server.home.path, "draft.gguf");
  const other = join(server.home.path, "other.gguf");
  await Bun.write(draft, Bun.file(fetchSmallModel()));
  writeFileSync(other, tinyGguf("llama"));
  await create("plain", `FROM ${fetchSmallModel()}\n`);
  await create("drafted", `FROM ${fetchSmallModel()}\nDRAFT ${draft}\n`);
  await create("mismatched", `FROM ${fetchSmallModel()}\nDRAFT ${other}\n`);
}, LIMIT_MS);
afterAll(() => server[Symbol.asyncDispose]());

/** The first place where two answers differ must be a near tie: a batch of several tokens rounds differently. */
function expectSame(a: Answer, b: Answer): void {
  const [left = [], right = []] = [a.logprobs, b.logprobs];
  const at = left.findIndex(({ token }, i) => token !== right[i]?.token);
  if (at < 0) return;
  const [first, second] = left[at]?.top_logprobs ?? [];
  expect((first?.logprob ?? 0) - (second?.logprob ?? -9)).toBeLessThan(0.05);
}

test(
  "what a model says with a draft is what it says without, and most guesses of an equal model are right",
  async () => {
    const asked = { raw: true, logprobs: true, top_logprobs: 2 };
    const options = { temperature: 0, num_predict: 32 };
    const plain = await client.generate("plain", PROMPT, { ...options, draft_num_predict: 0 }, asked);
    const drafted = await client.generate("drafted", PROMPT, options, asked);
    expect(plain.draft_count ?? 0).toBe(0);
    expect(drafted.draft_count ?? 0).toBeGreaterThan(8);
    expect((drafted.draft_accepted_count ?? 0) / (drafted.draft_count ?? 1)).toBeGreaterThan(0.6);
    expectSame(plain, drafted);
  },
  LIMIT_MS,
);

test(
  "several conversations are drafted for at once, grow, and are what they are without drafts",
  async () => {
    const asked = { raw: true, logprobs: true, top_logprobs: 2 };
    const options = { temperature: 0, num_predict: 20 };
    const prompts = Array.from({ length: 3 }, (_, i) => `Chapter ${i + 1}. ${PROMPT} number ${i}`);
    const drafted = await Promise.all(prompts.map((prompt) => client.generate("drafted", prompt, options, asked)));
    for (const [i, prompt] of prompts.entries()) {
      const plain = await client.generate("plain", prompt, { ...options, draft_num_predict: 0 }, asked);
      expectSame(plain, drafted[i] as Answer);
    }
  },
  LIMIT_MS,
);

test(
  "draft_num_predict bounds the guesses, 0 asks for none",
  async () => {
    const none = await client.generate("drafted", PROMPT, { num_predict: 16, draft_num_predict: 0 }, { raw: true });
    expect(none.draft_count ?? 0).toBe(0);
  },
  LIMIT_MS,
);

test(
  "a draft model of another vocabulary is refused with the reason",
  async () => {
    const response = await client.post("/api/generate", { model: "mismatched", prompt: "Hi" });
    expect(response.ok).toBe(false);
    expect(await response.text()).toContain("another vocabulary");
  },
  LIMIT_MS,
);
