// llama.cpp's own quantization of one GGUF file into another. It blocks until it is done and says its progress on stderr.

import { ptr } from "bun:ffi";
import { AppError } from "../../base/errors.ts";
import { layouts } from "./abi.gen.ts";
import { cString, type LlamaSymbols } from "./library.ts";
import { CStruct } from "./struct.ts";

export interface QuantizeParams {
  readonly sourcePath: string;
  readonly targetPath: string;
  /** llama_ftype; the ids are those of general.file_type. */
  readonly fileType: number;
  readonly threads: number;
}

/** A line of llama.cpp when a tensor is written; the name is the first group. */
export const TENSOR_DONE = /^\[ *\d+\/ *\d+\] +(\S+) +- /;

/** Throws `internal`; what llama.cpp said is on stderr. */
export function quantizeModel(llama: LlamaSymbols, params: QuantizeParams): void {
  const struct = new CStruct(layouts.llama_model_quantize_params).set({
    ftype: params.fileType,
    nthread: params.threads,
  });
  const source = cString(params.sourcePath);
  const target = cString(params.targetPath);
  const code = llama.llama_model_quantize(ptr(source), ptr(target), struct.pointer);
  // The buffers must outlive the call: naming them here keeps the collector away.
  void [source, target, struct];
  if (code !== 0) throw new AppError("internal", "llama.cpp could not quantize the model");
}
