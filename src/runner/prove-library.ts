// Hidden roles: score the CPU libraries of a directory, and prove one by multiplying matrices with every kind of weight
// that models use. Run in a child: a library that misjudges the CPU dies of SIGILL here, not in a runner.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { dlopen, FFIType, type Pointer, ptr } from "bun:ffi";
import { AppError, toAppError } from "../base/errors.ts";
import type { GpuProbe } from "./gpu.ts";
import { type DeviceFacts, listDevices, loadBackend } from "./llama/devices.ts";
import { asPointer, type NativePointer, openLlama, passing } from "./llama/library.ts";

/** ggml's own score of each library for this CPU; 0: cannot run here. */
export function scoreLibraries(directory: string, names: readonly string[]): number[] {
  openLlama(directory);
  return names.map((name) => {
    const { symbols } = dlopen(join(directory, name), { ggml_backend_score: { args: [], returns: FFIType.i32 } });
    return symbols.ggml_backend_score();
  });
}

/** Loads GPU backends and lists the devices they bring. */
export function probeDevices(directory: string, libraries: readonly string[]): GpuProbe {
  const llama = openLlama(directory);
  const failures = libraries.flatMap((library) => {
    if (loadBackend(llama, library)) return [];
    return [{ library, reason: whyNotLoaded(library) }];
  });
  return { devices: listDevices(llama).map(factsOf), failures };
}

/** Without the address, which means nothing to another process. */
function factsOf({ name, description, kind, backend, freeBytes, totalBytes }: DeviceFacts): DeviceFacts {
  return { name, description, kind, backend, freeBytes, totalBytes };
}

/** ggml only says that it failed; the loader says why. */
function whyNotLoaded(library: string): string {
  try {
    dlopen(library, { ggml_backend_init: { args: [], returns: FFIType.ptr } }).close();
    return "it finds no device it can work with";
  } catch (error) {
    return toAppError(error).message.replace(/^.*?dlopen[^:]*: */i, "");
  }
}

const { ptr: P, i32: I32, i64: I64, u64: U64, void: VOID } = FFIType;

/** ggml type ids whose kernels differ: f32, f16, q4_0, q4_1, q5_0, q8_0, q4_K, q6_K, iq4_nl. */
const WEIGHT_TYPES = [0, 1, 2, 3, 6, 8, 12, 14, 20];
const GGML_TYPE_F32 = 0;
const ROWS = 32;
const COLUMNS = 512;
const TOKENS = 8;
const WEIGHT = 0.5;
const INPUT = 0.25;

/** ggml_init takes a 24-byte struct by value as its only argument: on the stack for System V, behind a pointer elsewhere. */
const initArgs = passing === "pointer" ? [P] : Array.from({ length: 9 }, () => I64);

function openGgml(directory: string) {
  const file = readdirSync(directory).find((name) => /^(lib)?ggml-base\.(so|dylib|dll)$/.test(name));
  if (file === undefined) throw new AppError("internal", "ggml-base is missing");
  return dlopen(join(directory, file), {
    ggml_init: { args: initArgs, returns: P },
    ggml_new_tensor_2d: { args: [P, I32, I64, I64], returns: P },
    ggml_mul_mat: { args: [P, P, P], returns: P },
    ggml_new_graph: { args: [P], returns: P },
    ggml_build_forward_expand: { args: [P, P], returns: VOID },
    ggml_nbytes: { args: [P], returns: U64 },
    ggml_quantize_chunk: { args: [I32, P, P, I64, I64, I64, P], returns: U64 },
    ggml_backend_dev_init: { args: [P, P], returns: P },
    ggml_backend_alloc_ctx_tensors: { args: [P, P], returns: P },
    ggml_backend_tensor_set: { args: [P, P, U64, U64], returns: VOID },
    ggml_backend_tensor_get: { args: [P, P, U64, U64], returns: VOID },
    ggml_backend_graph_compute: { args: [P, P], returns: I32 },
  }).symbols;
}

type Ggml = ReturnType<typeof openGgml>;

function must(pointer: NativePointer, what: string): Pointer {
  const address = asPointer(pointer);
  if (address === null) throw new AppError("internal", `${what} failed`);
  return address;
}

function initContext(ggml: Ggml): Pointer {
  const arenaBytes = 1024 * 1024;
  const params = new BigUint64Array([BigInt(arenaBytes), 0n, 1n]); // no_alloc: the backend holds the data
  const args = passing === "pointer" ? [ptr(params)] : [0, 0, 0, 0, 0, 0, ...params];
  const context = must(ggml.ggml_init(...(args as never[])), "ggml_init");
  void params;
  return context;
}

/** Throws when a product is wrong; dies when an instruction is not there. */
export function proveLibrary(directory: string, name: string): void {
  const llama = openLlama(directory);
  if (!loadBackend(llama, join(directory, name))) throw new AppError("internal", `${name} cannot be loaded`);
  const ggml = openGgml(directory);
  const backend = must(ggml.ggml_backend_dev_init(asPointer(llama.ggml_backend_dev_get(0)), null), "the CPU backend");
  for (const type of WEIGHT_TYPES) {
    const value = multiply(ggml, backend, type);
    const expected = COLUMNS * WEIGHT * INPUT;
    if (!(Math.abs(value - expected) < expected * 0.05)) {
      throw new AppError("internal", `${name} computes ${value} instead of ${expected} with weight type ${type}`);
    }
  }
}

function multiply(ggml: Ggml, backend: Pointer, type: number): number {
  const context = initContext(ggml);
  const weights = must(ggml.ggml_new_tensor_2d(context, type, COLUMNS, ROWS), "a tensor");
  const input = must(ggml.ggml_new_tensor_2d(context, GGML_TYPE_F32, COLUMNS, TOKENS), "a tensor");
  const product = must(ggml.ggml_mul_mat(context, weights, input), "a product");
  const graph = must(ggml.ggml_new_graph(context), "a graph");
  ggml.ggml_build_forward_expand(graph, product);
  must(ggml.ggml_backend_alloc_ctx_tensors(context, backend), "memory");
  const quantized = new Uint8Array(Number(ggml.ggml_nbytes(weights)));
  ggml.ggml_quantize_chunk(type, new Float32Array(COLUMNS * ROWS).fill(WEIGHT), quantized, 0, ROWS, COLUMNS, null);
  ggml.ggml_backend_tensor_set(weights, quantized, 0, quantized.length);
  const activations = new Float32Array(COLUMNS * TOKENS).fill(INPUT);
  ggml.ggml_backend_tensor_set(input, activations, 0, activations.byteLength);
  if (ggml.ggml_backend_graph_compute(backend, graph) !== 0) throw new AppError("internal", "the computation failed");
  const results = new Float32Array(ROWS * TOKENS);
  ggml.ggml_backend_tensor_get(product, results, 0, results.byteLength);
  // One wrong value is enough to tell.
  return Math.min(...results) === Math.max(...results) ? (results[0] ?? Number.NaN) : Number.NaN;
}
