// What guessing ahead brings: the same prompt with and without, in turns; where the texts part, how near a tie that was.

import { median, type Server, shortPrompt, stream } from "./bench-client.ts";
import { smallModelName } from "./small-model.mjs";

/** What a person asks to have edited. */
const MINUTES =
  "The committee met on Tuesday to discuss the new library. Mrs Harris said that the roof must be repaired before winter, and that the old reading room should stay open until the work is done. The mayor agreed, but asked for a second estimate. Everyone hoped that the children's corner could be painted in bright colours by spring. Mr Lewis reported on the cost of new shelves and promised to bring three offers to the next meeting.";

export async function speculation({ url }: Server, rounds: number, print: (line: string) => void): Promise<void> {
  const edited = (day: string) =>
    `Here is the text with the day set to ${day}:\n\n${MINUTES.replace("Tuesday", day)}\n\n`;
  const copy = `Here is a text:\n\n${MINUTES}\n\n${edited("Monday")}Here is the text with the day set to Friday:\n\n`;
  for (const [name, prompt] of [
    ["copy-editing", copy],
    ["free text", shortPrompt()],
  ] as const) {
    const off: number[] = [];
    const on: number[] = [];
    const parted: number[] = [];
    let drafted = 0;
    let accepted = 0;
    for (let round = 0; round < rounds; round++) {
      const plain = await stream(url, prompt, 96, { draft_num_predict: 0 });
      const guessed = await stream(url, prompt, 96);
      off.push(plain.tokens / (plain.lastMs - plain.firstMs));
      on.push(guessed.tokens / (guessed.lastMs - guessed.firstMs));
      drafted += Number(guessed.final["draft_count"] ?? 0);
      accepted += Number(guessed.final["draft_accepted_count"] ?? 0);
      if (plain.text !== guessed.text) parted.push(await gapWhereTheyPart(url, prompt, plain.text, guessed.text));
    }
    const texts =
      parted.length === 0 ? "identical" : `part at a gap of ${Math.max(...parted).toFixed(3)} in log-probability`;
    print(
      `speculation, ${name}: ${(median(on) / median(off)).toFixed(2)}× of without, ${accepted} of ${drafted} guesses right, texts ${texts}`,
    );
  }
}

/** How much better the first choice was than the second where two answers first differ: near 0 for a tie. */
async function gapWhereTheyPart(url: string, prompt: string, a: string, b: string): Promise<number> {
  let same = 0;
  while (same < a.length && a[same] === b[same]) same++;
  const common = a.slice(0, a.slice(0, same).lastIndexOf(" ") + 1).trimEnd();
  const options = { temperature: 0, num_predict: 4 };
  const body = {
    model: smallModelName,
    prompt: prompt + common,
    raw: true,
    stream: false,
    logprobs: true,
    top_logprobs: 2,
    options,
  };
  const response = await fetch(`${url}/api/generate`, { method: "POST", body: JSON.stringify(body) });
  const { logprobs } = (await response.json()) as { logprobs: { top_logprobs: { logprob: number }[] }[] };
  const gaps = logprobs.map(({ top_logprobs: [first, second] }) => (first?.logprob ?? 0) - (second?.logprob ?? 0));
  return Math.min(...gaps);
}
