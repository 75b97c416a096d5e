// Says once why answers are slow: a model that lies wholly in main memory and writes fewer words than one reads.

import type { CliContext } from "../context.ts";
import { toFixedEven } from "../../base/fixed.ts";
import type { Statistics } from "../ui/statistics.ts";
import { isFirstTime } from "./said-once.ts";

/** Tokens per second; people read at about this speed. */
const SLOW_RATE = 7;
/** Fewer tokens say little about the rate. */
const ENOUGH_TOKENS = 16;

/** After an answer. Never fails: it is no part of the answer. */
export async function explainSlowRun(
  context: CliContext,
  model: string,
  statistics: Statistics | undefined,
): Promise<void> {
  const { client, config, stderr } = context;
  const rate = rateOf(statistics);
  if (!stderr.isTerminal || rate === undefined || rate >= SLOW_RATE) return;
  const running = await client.listRunning().catch(() => ({ models: [] }));
  const placed = running.models.find(({ name }) => name.replace(/:latest$/, "") === model.replace(/:latest$/, ""));
  if (placed === undefined || placed.size_vram > 0) return;
  if (!(await isFirstTime("slow-on-cpu", config.cacheDir))) return;
  stderr.write(
    `This model runs on the processor alone, at ${toFixedEven(rate, 1)} tokens a second: no GPU holds any part of it. ` +
      "A smaller model or a stronger quantization is faster; 'ollama doctor' shows what was found on this machine. " +
      "(This is said once.)\n\n",
  );
}

function rateOf({ eval_count = 0, eval_duration = 0 }: Statistics = {}): number | undefined {
  return eval_count < ENOUGH_TOKENS || eval_duration <= 0 ? undefined : eval_count / (eval_duration / 1e9);
}
