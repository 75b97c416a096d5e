// Opens libllama and the ggml libraries beside it and types every symbol we call. This folder is the only FFI.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { CString, dlopen, FFIType, type Pointer } from "bun:ffi";
import { AppError } from "../../base/errors.ts";
import { layouts } from "./abi.gen.ts";
import { byValueArgs, structPassing } from "./struct.ts";

export const passing = structPassing(process.platform, process.arch);

const P = FFIType.ptr;
const I32 = FFIType.i32;
const U32 = FFIType.u32;
const U64 = FFIType.u64;
const F32 = FFIType.f32;
const BOOL = FFIType.bool;
const VOID = FFIType.void;

const llamaSymbols = {
  llama_version: { args: [], returns: P },
  llama_backend_init: { args: [], returns: VOID },
  llama_supports_gpu_offload: { args: [], returns: BOOL },
  llama_max_devices: { args: [], returns: U64 },

  llama_model_load_from_file: { args: byValueArgs(layouts.llama_model_params, passing), returns: P },
  llama_model_free: { args: [P], returns: VOID },
  llama_model_get_vocab: { args: [P], returns: P },
  llama_model_n_ctx_train: { args: [P], returns: I32 },
  llama_model_n_embd: { args: [P], returns: I32 },
  llama_model_n_embd_out: { args: [P], returns: I32 },
  llama_model_n_layer: { args: [P], returns: I32 },
  llama_model_n_swa: { args: [P], returns: I32 },
  llama_model_n_cls_out: { args: [P], returns: U32 },
  llama_model_chat_template: { args: [P, P], returns: P },
  llama_model_meta_val_str: { args: [P, P, P, U64], returns: I32 },
  llama_model_size: { args: [P], returns: U64 },
  llama_model_has_encoder: { args: [P], returns: BOOL },
  llama_model_has_decoder: { args: [P], returns: BOOL },
  llama_model_is_recurrent: { args: [P], returns: BOOL },
  llama_model_is_hybrid: { args: [P], returns: BOOL },
  llama_model_quantize: { args: [P, P, P], returns: U32 },

  llama_init_from_model: { args: byValueArgs(layouts.llama_context_params, passing), returns: P },
  llama_free: { args: [P], returns: VOID },
  llama_n_ctx: { args: [P], returns: U32 },
  llama_n_ctx_seq: { args: [P], returns: U32 },
  llama_n_batch: { args: [P], returns: U32 },
  llama_n_ubatch: { args: [P], returns: U32 },
  llama_n_seq_max: { args: [P], returns: U32 },
  llama_n_threads: { args: [P], returns: I32 },
  llama_n_threads_batch: { args: [P], returns: I32 },
  llama_pooling_type: { args: [P], returns: I32 },
  llama_get_memory: { args: [P], returns: P },
  llama_set_n_threads: { args: [P, I32, I32], returns: VOID },
  llama_set_embeddings: { args: [P, BOOL], returns: VOID },
  llama_attach_threadpool: { args: [P, P, P], returns: VOID },
  llama_detach_threadpool: { args: [P], returns: VOID },
  llama_synchronize: { args: [P], returns: VOID },

  llama_decode: { args: byValueArgs(layouts.llama_batch, passing), returns: I32 },
  llama_encode: { args: byValueArgs(layouts.llama_batch, passing), returns: I32 },
  llama_get_logits: { args: [P], returns: P },
  llama_get_logits_ith: { args: [P, I32], returns: P },
  llama_get_embeddings_ith: { args: [P, I32], returns: P },
  llama_get_embeddings_seq: { args: [P, I32], returns: P },

  llama_memory_clear: { args: [P, BOOL], returns: VOID },
  llama_memory_seq_rm: { args: [P, I32, I32, I32], returns: BOOL },
  llama_memory_seq_cp: { args: [P, I32, I32, I32, I32], returns: VOID },
  llama_memory_seq_add: { args: [P, I32, I32, I32, I32], returns: VOID },
  llama_memory_seq_pos_min: { args: [P, I32], returns: I32 },
  llama_memory_seq_pos_max: { args: [P, I32], returns: I32 },
  llama_memory_can_shift: { args: [P], returns: BOOL },

  llama_state_seq_get_size_ext: { args: [P, I32, U32], returns: U64 },
  llama_state_seq_get_data_ext: { args: [P, P, U64, I32, U32], returns: U64 },
  llama_state_seq_set_data_ext: { args: [P, P, U64, I32, U32], returns: U64 },

  llama_vocab_n_tokens: { args: [P], returns: I32 },
  llama_vocab_get_text: { args: [P, I32], returns: P },
  llama_vocab_type: { args: [P], returns: I32 },
  llama_vocab_is_eog: { args: [P, I32], returns: BOOL },
  llama_vocab_is_control: { args: [P, I32], returns: BOOL },
  llama_vocab_get_attr: { args: [P, I32], returns: I32 },
  llama_vocab_bos: { args: [P], returns: I32 },
  llama_vocab_eos: { args: [P], returns: I32 },
  llama_vocab_eot: { args: [P], returns: I32 },
  llama_vocab_sep: { args: [P], returns: I32 },
  llama_vocab_get_add_bos: { args: [P], returns: BOOL },
  llama_vocab_get_add_eos: { args: [P], returns: BOOL },
  llama_vocab_get_add_sep: { args: [P], returns: BOOL },
  llama_tokenize: { args: [P, P, I32, P, I32, BOOL, BOOL], returns: I32 },
  llama_token_to_piece: { args: [P, I32, P, I32, I32, BOOL], returns: I32 },

  llama_adapter_lora_init: { args: [P, P], returns: P },
  llama_set_adapters_lora: { args: [P, P, U64, P], returns: I32 },

  llama_sampler_sample: { args: [P, P, I32], returns: I32 },
  llama_sampler_apply: { args: [P, P], returns: VOID },
  llama_sampler_accept: { args: [P, I32], returns: VOID },
  llama_sampler_reset: { args: [P], returns: VOID },
  llama_sampler_free: { args: [P], returns: VOID },
  llama_sampler_chain_init: { args: [BOOL], returns: P },
  llama_sampler_chain_add: { args: [P, P], returns: VOID },
  llama_sampler_init_greedy: { args: [], returns: P },
  llama_sampler_init_dist: { args: [U32], returns: P },
  llama_sampler_init_top_k: { args: [I32], returns: P },
  llama_sampler_init_top_p: { args: [F32, U64], returns: P },
  llama_sampler_init_min_p: { args: [F32, U64], returns: P },
  llama_sampler_init_typical: { args: [F32, U64], returns: P },
  llama_sampler_init_temp: { args: [F32], returns: P },
  llama_sampler_init_penalties: { args: [I32, I32, F32, F32, F32], returns: P },
  llama_sampler_init_logit_bias: { args: [I32, I32, P], returns: P },
  llama_sampler_init_grammar: { args: [P, P, P], returns: P },
} as const;

const ggmlSymbols = {
  ggml_backend_load_all_from_path: { args: [P], returns: VOID },
  ggml_backend_load: { args: [P], returns: P },
  ggml_backend_reg_count: { args: [], returns: U64 },
  ggml_backend_reg_get: { args: [U64], returns: P },
  ggml_backend_dev_count: { args: [], returns: U64 },
  ggml_backend_dev_get: { args: [U64], returns: P },
} as const;

const ggmlBaseSymbols = {
  ggml_backend_reg_name: { args: [P], returns: P },
  ggml_backend_reg_get_proc_address: { args: [P, P], returns: P },
  ggml_backend_dev_name: { args: [P], returns: P },
  ggml_backend_dev_description: { args: [P], returns: P },
  ggml_backend_dev_memory: { args: [P, P, P], returns: VOID },
  ggml_backend_dev_type: { args: [P], returns: I32 },
  ggml_backend_dev_backend_reg: { args: [P], returns: P },
  ggml_threadpool_params_init: { args: [P, I32], returns: VOID },
} as const;

/** Every function we call, by the library that must export it. */
export const neededSymbols = {
  "ggml-base": Object.keys(ggmlBaseSymbols),
  ggml: Object.keys(ggmlSymbols),
  llama: Object.keys(llamaSymbols),
} as const;

/**
 * The file of a library among those of a platform package. The main ones carry their variant and llama.cpp's tag
 * (libllama.v0.5.0.so, libggml.cuda.v0.5.0.so); on Windows there is no "lib".
 */
export function findLibrary(files: readonly string[], name: keyof typeof neededSymbols): string | undefined {
  const pattern = new RegExp(`^(lib)?${name}(\\.[a-z]+)?(\\.v[\\d.]+)?\\.(so|dylib|dll)$`);
  return files.find((file) => pattern.test(file));
}

function openLibraries(dir: string) {
  const files = readdirSync(dir);
  const find = (name: keyof typeof neededSymbols): string => {
    const file = findLibrary(files, name);
    if (file === undefined)
      throw new AppError("internal", `the llama.cpp libraries in ${dir} are incomplete: no ${name}`);
    return join(dir, file);
  };
  // Order matters: each library resolves its needs against those already loaded.
  const base = dlopen(find("ggml-base"), ggmlBaseSymbols);
  const ggml = dlopen(find("ggml"), ggmlSymbols);
  const llama = dlopen(find("llama"), llamaSymbols);
  return { ...base.symbols, ...ggml.symbols, ...llama.symbols };
}

export type LlamaSymbols = ReturnType<typeof openLibraries>;

let opened: { dir: string; symbols: LlamaSymbols } | undefined;

/** The library's functions; opened once per process (ggml keeps global state) from the directory first asked for. */
export function openLlama(dir: string): LlamaSymbols {
  if (opened === undefined) {
    const symbols = openLibraries(dir);
    opened = { dir, symbols };
  } else if (opened.dir !== dir) {
    throw new AppError("internal", `llama.cpp is already loaded from ${opened.dir}`);
  }
  return opened.symbols;
}

/** A NUL-terminated copy of `text`; keep it referenced during the call it is passed to. */
export function cString(text: string): Uint8Array {
  return Buffer.from(`${text}\0`, "utf8");
}

export type NativePointer = Pointer | bigint | null;

/** A returned pointer as Bun's `Pointer`; addresses above 2^53 do not occur in user space. */
export function asPointer(value: NativePointer): Pointer | null {
  return value === null ? null : (Number(value) as Pointer);
}

export function readCString(pointer: NativePointer): string {
  const address = asPointer(pointer);
  return address === null ? "" : new CString(address).valueOf();
}
