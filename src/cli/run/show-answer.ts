// One answer from its request to its end: a spinner until something can be shown, then the text as it comes. Ctrl-C ends it,
// and what was said until then is kept; so it is when the server goes away.

import { AppError, toAppError } from "../../base/errors.ts";
import type { CliContext } from "../context.ts";
import { Progress } from "../ui/progress.ts";
import type { Statistics } from "../ui/statistics.ts";
import { type AnswerLook, type AnswerPart, AnswerPrinter } from "./answer-printer.ts";

export interface ShownAnswer {
  readonly content: string;
  readonly thinking: string;
  /** Of the last chunk, if it came. */
  readonly statistics: Statistics | undefined;
  /** Why there is no more; "canceled" after Ctrl-C. */
  readonly failure: AppError | undefined;
}

interface Chunk extends Statistics {
  readonly done: boolean;
}

export interface AnswerSource<C extends Chunk> {
  readonly ask: (signal: AbortSignal) => AsyncIterable<C>;
  readonly partOf: (chunk: C) => AnswerPart;
}

export async function showAnswer<C extends Chunk>(
  context: CliContext,
  { ask, partOf }: AnswerSource<C>,
  look: AnswerLook,
): Promise<ShownAnswer> {
  const abort = new AbortController();
  using _interrupt = context.onInterrupt(() => abort.abort());
  using printer = new AnswerPrinter(context.stdout, look);
  const progress = new Progress(context.stderr);
  progress.spinner("");
  let content = "";
  let thinking = "";
  let statistics: Statistics | undefined;
  let failure: AppError | undefined;
  try {
    for await (const chunk of ask(abort.signal)) {
      const part = partOf(chunk);
      if (part.content !== "" || !look.hidesThinking) progress.clear();
      content += part.content;
      thinking += part.thinking ?? "";
      printer.print(part);
      if (chunk.done) statistics = chunk;
    }
  } catch (error) {
    failure = abort.signal.aborted ? new AppError("canceled", "canceled", { cause: error }) : toAppError(error);
  } finally {
    progress.clear();
  }
  return { content, thinking, statistics, failure };
}
