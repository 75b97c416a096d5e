// One ggml thread pool per process, reached through the CPU backend's own entry points (they are not exported).

import { CFunction, FFIType, type Pointer } from "bun:ffi";
import { layouts } from "./abi.gen.ts";
import { asPointer, cString, readCString, type LlamaSymbols } from "./library.ts";
import { CStruct } from "./struct.ts";

// The struct starts with a mask of 512 bools; all zero leaves affinity to the system.
// Waiting workers sleep instead of spinning between steps: the wake-up costs microseconds, the spinning took a whole
// processor from the HTTP side.
const POLL_LEVEL = 0;

function cpuProcedure(llama: LlamaSymbols, name: string): Pointer | null {
  const count = Number(llama.ggml_backend_reg_count());
  for (let i = 0; i < count; i++) {
    const registry = asPointer(llama.ggml_backend_reg_get(i));
    if (readCString(llama.ggml_backend_reg_name(registry)) !== "CPU") continue;
    return asPointer(llama.ggml_backend_reg_get_proc_address(registry, cString(name)));
  }
  return null;
}

export class Threadpool implements Disposable {
  readonly pointer: Pointer;
  readonly #free: Pointer | null;

  static create(llama: LlamaSymbols, threads: number): Threadpool | undefined {
    const create = cpuProcedure(llama, "ggml_threadpool_new");
    if (create === null) return undefined;
    const params = new CStruct(layouts.ggml_threadpool_params);
    llama.ggml_threadpool_params_init(params.pointer, threads);
    params.set({ poll: POLL_LEVEL });
    const make = CFunction({ ptr: create, args: [FFIType.ptr], returns: FFIType.ptr });
    const pointer = asPointer(make(params.pointer) as Pointer | null);
    return pointer === null ? undefined : new Threadpool(llama, pointer);
  }

  private constructor(llama: LlamaSymbols, pointer: Pointer) {
    this.pointer = pointer;
    this.#free = cpuProcedure(llama, "ggml_threadpool_free");
  }

  [Symbol.dispose](): void {
    if (this.#free === null) return;
    CFunction({ ptr: this.#free, args: [FFIType.ptr], returns: FFIType.void })(this.pointer);
  }
}
