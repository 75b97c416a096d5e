// Quantizing as a job: the server's side starts the child and reads which tensors are done, the child calls llama.cpp.

import { AppError, toAppError } from "../base/errors.ts";
import { type JobSettings, runJob, serveJob } from "./job.ts";
import { openLlama } from "./llama/library.ts";
import { quantizeModel, type QuantizeParams, TENSOR_DONE } from "./llama/quantize.ts";
import { selfCommand } from "./self.ts";

interface Payload extends QuantizeParams {
  readonly libraryDir: string;
}

/** Yields the name of each tensor when it is written. Aborting kills the child; the target is the caller's to remove. */
export async function* quantizeFile(
  payload: Payload,
  settings: JobSettings,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  try {
    yield* runJob<string, null>(
      {
        name: "the quantization",
        command: selfCommand("quantize-model"),
        payload,
        files: { inputs: [payload.sourcePath], outputs: [payload.targetPath] },
        settings,
        progressOf: (line) => TENSOR_DONE.exec(line)?.[1],
      },
      signal,
    );
  } catch (error) {
    // What a failed write looks like through a C++ stream.
    if (!/iostream/.test(toAppError(error).message)) throw error;
    throw new AppError("internal", "the quantized model could not be written: the disk is full or failing", {
      cause: error,
    });
  }
}

export function serveQuantize(): Promise<never> {
  return serveJob({
    prepare: ({ libraryDir }: Payload) => openLlama(libraryDir),
    work: (payload: Payload) => {
      quantizeModel(openLlama(payload.libraryDir), payload);
      return null;
    },
  });
}
