import { expect, test } from "bun:test";
import { parseRfc3339 } from "../../../src/base/rfc3339.ts";
import { parseThink } from "../../../src/cli/think.ts";
import { processorText, untilText } from "../../../src/cli/ui/placement.ts";
import { statisticsText } from "../../../src/cli/ui/statistics.ts";

test("statistics read as in a recorded run of Ollama", () => {
  const text = statisticsText({
    total_duration: 87_649_892,
    load_duration: 833_444,
    prompt_eval_count: 11,
    prompt_eval_duration: 4_364_000,
    eval_count: 21,
    eval_duration: 75_827_000,
  });
  expect(text).toBe(
    [
      "total duration:       87.649892ms",
      "load duration:        833.444µs",
      "prompt eval count:    11 token(s)",
      "prompt eval duration: 4.364ms",
      "prompt eval rate:     2520.62 tokens/s",
      "eval count:           21 token(s)",
      "eval duration:        75.827ms",
      "eval rate:            276.95 tokens/s",
      "",
    ].join("\n"),
  );
});

test("what is zero or missing is left out", () => {
  expect(statisticsText({})).toBe("");
  expect(statisticsText({ total_duration: 65_000_000_000, eval_count: 0 })).toBe("total duration:       1m5s\n");
});

test.each([
  [243, 0, "100% CPU"],
  [243, 243, "100% GPU"],
  [243, 300, "Unknown"],
  [0, 0, "100% CPU"],
  [0, 5, "Unknown"],
  [1000, 410, "59%/41% CPU/GPU"],
  [200, 1, "100%/0% CPU/GPU"],
])("%i bytes, %i of them on the GPU: %s", (size, vram, text) => expect(processorText(size, vram)).toBe(text));

test("UNTIL is ahead, never, or a model on its way out", () => {
  const now = parseRfc3339("2026-08-21T12:00:00Z");
  expect(untilText(parseRfc3339("2026-08-21T12:04:30Z"), now)).toBe("4 minutes from now");
  expect(untilText(parseRfc3339("2318-01-01T00:00:00Z"), now)).toBe("Forever");
  expect(untilText(parseRfc3339("2026-08-21T11:59:59Z"), now)).toBe("Stopping...");
});

test("--think takes on, off or a level", () => {
  expect(["", "true", "false", "high", "max"].map(parseThink)).toEqual([true, true, false, "high", "max"]);
  expect(() => parseThink("extreme")).toThrow(
    'invalid value for --think: "extreme" (must be true, false, high, medium, low, or max)',
  );
});
