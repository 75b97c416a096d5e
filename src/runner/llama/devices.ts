// What ggml found to compute on: loads the backends of a directory and lists their devices.

import { ptr, type Pointer } from "bun:ffi";
import { asPointer, cString, readCString, type LlamaSymbols } from "./library.ts";

export interface DeviceFacts {
  readonly name: string;
  readonly description: string;
  readonly kind: "cpu" | "gpu" | "igpu" | "accel" | "meta";
  readonly backend: string;
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export interface ComputeDevice extends DeviceFacts {
  /** ggml_backend_dev_t. */
  readonly pointer: Pointer;
}

const KINDS = ["cpu", "gpu", "igpu", "accel", "meta"] as const;

/** Loads every backend in `dir`: the CPU library that suits this processor best, and the GPU ones that can be loaded. */
export function loadBackends(symbols: LlamaSymbols, dir: string): void {
  symbols.ggml_backend_load_all_from_path(cString(dir));
  symbols.llama_backend_init();
}

/** Loads one backend library only (used to prove a single CPU library). False when it cannot be loaded. */
export function loadBackend(symbols: LlamaSymbols, file: string): boolean {
  return symbols.ggml_backend_load(cString(file)) !== null;
}

export function listDevices(symbols: LlamaSymbols): ComputeDevice[] {
  const devices: ComputeDevice[] = [];
  const count = Number(symbols.ggml_backend_dev_count());
  const memory = new BigUint64Array(2);
  for (let i = 0; i < count; i++) {
    const device = asPointer(symbols.ggml_backend_dev_get(i));
    if (device === null) continue;
    const base = Number(ptr(memory));
    symbols.ggml_backend_dev_memory(device, base as Pointer, (base + 8) as Pointer);
    devices.push({
      pointer: device,
      name: readCString(symbols.ggml_backend_dev_name(device)),
      description: readCString(symbols.ggml_backend_dev_description(device)).trim(),
      kind: KINDS[symbols.ggml_backend_dev_type(device)] ?? "accel",
      backend: readCString(symbols.ggml_backend_reg_name(symbols.ggml_backend_dev_backend_reg(device))),
      freeBytes: Number(memory[0]),
      totalBytes: Number(memory[1]),
    });
  }
  return devices;
}
