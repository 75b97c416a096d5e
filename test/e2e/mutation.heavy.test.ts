// Damaged GGUFs sent to the executable: each is refused with a reason or becomes a model, and a model made of a damaged file
// is asked something, for native code to trip over. The server stays the same process, in the same memory. A sample here;
// `npm run test:hostile` sends them all.

import { expect, test } from "bun:test";
import { tellFigures } from "../support/figures.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { mutateGguf } from "../support/mutate-gguf.ts";
import { TINY_MODELS, tinyGguf } from "../support/tiny-gguf.ts";
import { Target } from "./attacked-server.ts";
import { childrenOf, until } from "./native-client.ts";

const IS_LONG = process.env["OLLAMA_TEST_LONG"] === "1";
/** Every so many-th damage is tried. */
const STEP = IS_LONG ? 1 : 23;
const SEED = 20_250_311;
const LIMIT_MS = IS_LONG ? 11 * 60_000 : 90_000;
const MIB = 1024 * 1024;

function* damagedFiles(): Generator<{ readonly what: string; readonly bytes: Uint8Array }> {
  const valid = TINY_MODELS.map((model) => tinyGguf(model));
  const random = seededRandom(SEED);
  let count = 0;
  for (const [index, bytes] of valid.entries()) {
    for (const { what, bytes: damaged } of mutateGguf(bytes, valid[(index + 1) % valid.length] ?? bytes, random)) {
      if (count++ % STEP === 0) yield { what: `${TINY_MODELS[index]}, ${what}`, bytes: Uint8Array.from(damaged) };
    }
  }
}

interface Verdicts {
  refused: number;
  answered: number;
  /** Accepted, but llama.cpp refused it or its runner died: an error for that request alone. */
  failed: number;
}

async function tryOne(target: Target, bytes: Uint8Array, verdicts: Verdicts): Promise<void> {
  const created = await target.createFrom(bytes, { model: "damaged" });
  if (created.status === 400) {
    expect(created.text.length).toBeLessThan(1000);
    verdicts.refused++;
    return;
  }
  expect(created).toEqual({ status: 200, text: '{"status":"success"}' });
  const options = { num_predict: 2, num_ctx: 64 };
  const asked = await target.post("/api/generate", {
    model: "damaged",
    prompt: "hi",
    raw: true,
    stream: false,
    options,
    keep_alive: 0,
  });
  if (asked.status === 200) verdicts.answered++;
  else verdicts.failed++;
  expect([200, 400, 500, 501]).toContain(asked.status);
  expect(asked.text).not.toContain(target.server.home.path);
  expect((await target.send("DELETE", "/api/delete", { model: "damaged" })).status).toBe(200);
}

test(
  "damaged models cost the server nothing",
  async () => {
    await using target = await Target.start();
    await target.createFrom(tinyGguf("llama"), { model: "victim" });
    const verdicts: Verdicts = { refused: 0, answered: 0, failed: 0 };
    let before: number | undefined;
    let count = 0;
    for (const { what, bytes } of damagedFiles()) {
      try {
        await tryOne(target, bytes, verdicts);
      } catch (error) {
        throw new Error(what, { cause: error });
      }
      if (++count === 50) before = target.residentBytes;
    }
    const grownMiB = Math.round((target.residentBytes - (before ?? 0)) / MIB);
    tellFigures("damaged models", { count, ...verdicts, grownMiB });
    expect(count).toBeGreaterThan(IS_LONG ? 2000 : 80);
    expect(verdicts.refused).toBeGreaterThan(verdicts.answered + verdicts.failed);
    expect(target.residentBytes - (before ?? 0)).toBeLessThan(96 * MIB);
    await until("no runner is left", async () => (await childrenOf(target.server.pid)).length === 0);
    await target.expectUnharmed();
    const asked = await target.post("/api/generate", {
      model: "victim",
      prompt: "hi",
      stream: false,
      options: { num_predict: 2 },
    });
    expect(asked.status).toBe(200);
  },
  LIMIT_MS,
);
