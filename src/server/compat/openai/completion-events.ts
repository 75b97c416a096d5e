// Answer events → text completion chunks, or one whole completion (spec 3.11).

import type { Completion, CompletionLogprobs } from "../../../api/openai/completions.ts";
import { translate } from "../../../base/translated.ts";
import type { TokenLogprob, Usage } from "../../../inference/model.ts";
import type { IndexedEvent } from "../../answers.ts";
import type { CollectedAnswer } from "../../native-chunks.ts";
import type { Frame } from "./chat-events.ts";
import { openAIUsage } from "./usage.ts";

export interface CompletionFrame extends Frame {
  /** What stands in front of each answer: its prompt when it is to be echoed. */
  readonly echo: readonly string[];
  readonly prompts: number;
}

function base(frame: CompletionFrame): Omit<Completion, "choices"> {
  const { id, created, model } = frame;
  return { id, object: "text_completion", created, model, system_fingerprint: "fp_ollama" };
}

export function completionChunks(
  events: AsyncIterable<IndexedEvent>,
  frame: CompletionFrame,
  includeUsage: boolean,
): AsyncIterable<Completion> {
  const usages: Usage[] = [];
  const offsets = new Map<number, number>();
  const read = ({ index, event }: IndexedEvent): Completion[] => {
    const chunks: Completion[] = [];
    // Completions have no place for thinking or calls (Ollama leaves them out as well).
    const prefix = offsets.has(index) ? "" : (frame.echo[index] ?? "");
    const offset = offsets.get(index) ?? prefix.length;
    if (event.type === "text-delta" || (event.type === "done" && prefix !== "")) {
      const text = prefix + (event.type === "text-delta" ? event.text : "");
      offsets.set(index, offset + text.length - prefix.length);
      const logprobs =
        event.type === "text-delta" && event.logprobs !== undefined ? completionLogprobs(event.logprobs, offset) : null;
      chunks.push({ ...base(frame), choices: [{ text, index, finish_reason: null, logprobs }] });
    }
    if (event.type === "done") {
      usages[index] = event.usage;
      chunks.push({ ...base(frame), choices: [{ text: "", index, finish_reason: event.reason, logprobs: null }] });
    }
    return chunks;
  };
  const usage = () => ({ ...base(frame), choices: [], usage: openAIUsage(usages, frame.prompts) });
  return translate(events, read, () => (includeUsage ? [usage()] : []));
}

export function completion(answers: readonly CollectedAnswer[], frame: CompletionFrame): Completion {
  return {
    ...base(frame),
    choices: answers.map(({ text, logprobs, done }, index) => {
      const prefix = frame.echo[index] ?? "";
      return {
        text: prefix + text,
        index,
        finish_reason: done?.reason ?? null,
        logprobs: logprobs.length === 0 ? null : completionLogprobs(logprobs, prefix.length),
      };
    }),
    usage: openAIUsage(
      answers.flatMap(({ done }) => (done === undefined ? [] : [done.usage])),
      frame.prompts,
    ),
  };
}

/** The older form of log-probabilities: columns instead of rows. */
function completionLogprobs(logprobs: readonly TokenLogprob[], start: number): CompletionLogprobs {
  let offset = start;
  return {
    tokens: logprobs.map(({ token }) => token),
    token_logprobs: logprobs.map(({ logprob }) => logprob),
    top_logprobs: logprobs.map(({ top }) =>
      Object.fromEntries((top ?? []).map(({ token, logprob }) => [token, logprob])),
    ),
    text_offset: logprobs.map(({ token }) => {
      const here = offset;
      offset += token.length;
      return here;
    }),
  };
}
