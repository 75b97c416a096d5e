// Which layers of a model go to which GPU: a pure decision over the devices of this machine, the size of each layer and what
// the user asked for. What does not fit stays on the CPU; one GPU alone is preferred to several, because every border
// between two devices costs a copy per token.

import { AppError } from "../base/errors.ts";
import type { LayerBytes } from "../formats/gguf/layer-bytes.ts";
import type { DeviceFacts } from "./llama/devices.ts";

export interface OffloadModel {
  readonly bytes: LayerBytes;
  /** Of all layers together. */
  readonly kvBytesPerToken: number;
  readonly recurrentBytesPerSequence: number;
}

export interface OffloadWishes {
  /** Layers to keep on GPUs, the output head counting as one; negative: as many as fit. */
  readonly gpuLayers: number;
  /** Use this GPU only, by its place among the GPUs. */
  readonly mainGpu: number | undefined;
  /** Use every GPU even where one would do (OLLAMA_SCHED_SPREAD). */
  readonly spread: boolean;
  /** Bytes to leave alone on each GPU (OLLAMA_GPU_OVERHEAD). */
  readonly overheadBytes: number;
  /** Tokens of context that must find room beside the weights. */
  readonly context: number;
  /** Bytes the cache may take on the CPU's side. */
  readonly hostCacheBytes: number;
}

export interface OffloadPlan {
  /** Places in the list of devices, in the order in which layers fill them. */
  readonly devices: readonly number[];
  /** How many layers each of them takes. */
  readonly layers: readonly number[];
  readonly gpuLayers: number;
  readonly totalLayers: number;
  /** Weights on GPUs. */
  readonly vramBytes: number;
  /** The share of the KV cache that lies on GPUs, 0 to 1. */
  readonly cacheShare: number;
  /** Bytes the whole cache may grow to before the first device is full. */
  readonly cacheBudgetBytes: number;
}

/** What a GPU's context and a graph's working buffers take: Ollama's minimum for a device (ml/device.go) and a graph. */
const RESERVED_BYTES = (457 + 256) * 1024 * 1024;
/** Share of the room left on a GPU that the cache may grow into; other programs draw windows there. */
const CACHE_SHARE = 0.9;

interface Gpu {
  readonly place: number;
  readonly roomBytes: number;
}

/** Throws `invalid` when `main_gpu` names no GPU of this machine. */
export function planOffload(model: OffloadModel, devices: readonly DeviceFacts[], wishes: OffloadWishes): OffloadPlan {
  const gpus = usableGpus(devices, wishes);
  const total = model.bytes.layers.length + 1;
  const most = wishes.gpuLayers < 0 ? total : Math.min(wishes.gpuLayers, total);
  const asked = wishes.gpuLayers >= 0;
  const alone = wishes.spread ? undefined : fitsAlone(model, gpus, most, wishes.context);
  if (alone !== undefined) return describe(model, [alone], [most], wishes);
  for (let count = gpus.length === 0 ? 0 : most; count > 0; count--) {
    const layers = spreadOver(model, gpus, count, wishes.context);
    if (layers !== undefined) return describe(model, gpus, layers, wishes);
    // A number that was asked for is not corrected: the user may know better than an estimate.
    if (asked) return describe(model, gpus, byRoom(gpus, count), wishes);
  }
  return describe(model, [], [], wishes);
}

/** Discrete GPUs; integrated ones only where there is no other, as llama.cpp does. */
function usableGpus(devices: readonly DeviceFacts[], { mainGpu, overheadBytes }: OffloadWishes): Gpu[] {
  const ofKind = (kind: DeviceFacts["kind"]) =>
    devices.flatMap((device, place) => (device.kind === kind ? [{ device, place }] : []));
  const discrete = ofKind("gpu");
  const found = discrete.length > 0 ? discrete : ofKind("igpu");
  const chosen = mainGpu === undefined ? found : found.slice(mainGpu, mainGpu + 1);
  if (mainGpu !== undefined && found.length > 0 && chosen.length === 0) {
    throw new AppError("invalid", `main_gpu is ${mainGpu}, but the GPUs here are 0 to ${found.length - 1}`);
  }
  return chosen.map(({ device, place }) => ({
    place,
    roomBytes: Math.max(0, device.freeBytes - overheadBytes - RESERVED_BYTES),
  }));
}

/** Bytes of the layer with this place from the front, weights and cache; the last one is the output head. */
function layerCost({ bytes, kvBytesPerToken, recurrentBytesPerSequence }: OffloadModel, at: number, context: number) {
  const weights = bytes.layers[at];
  if (weights === undefined) return bytes.output;
  return weights + (kvBytesPerToken * context + recurrentBytesPerSequence) / bytes.layers.length;
}

/** The last layers go to GPUs, in order. */
function costs(model: OffloadModel, count: number, context: number): number[] {
  const first = model.bytes.layers.length + 1 - count;
  return Array.from({ length: count }, (_, i) => layerCost(model, first + i, context));
}

/** The roomiest GPU, if it holds everything by itself. */
function fitsAlone(model: OffloadModel, gpus: readonly Gpu[], count: number, context: number): Gpu | undefined {
  const needed = costs(model, count, context).reduce((sum, bytes) => sum + bytes, 0);
  const roomiest = gpus.toSorted((a, b) => b.roomBytes - a.roomBytes)[0];
  return count > 0 && roomiest !== undefined && needed <= roomiest.roomBytes ? roomiest : undefined;
}

const FILL_STEPS = 32;

/** Layers per GPU so that all are about equally full; undefined when they cannot hold this many. */
function spreadOver(model: OffloadModel, gpus: readonly Gpu[], count: number, context: number): number[] | undefined {
  const needed = costs(model, count, context);
  for (let step = 1; step <= FILL_STEPS; step++) {
    const layers = fill(needed, gpus, step / FILL_STEPS);
    if (layers.reduce((sum, n) => sum + n, 0) === count) return layers;
  }
  return undefined;
}

function fill(needed: readonly number[], gpus: readonly Gpu[], share: number): number[] {
  let next = 0;
  return gpus.map(({ roomBytes }) => {
    let left = roomBytes * share;
    let taken = 0;
    for (; next < needed.length && (needed[next] ?? 0) <= left; next++, taken++) left -= needed[next] ?? 0;
    return taken;
  });
}

/** In proportion to their room, whether it suffices or not. */
function byRoom(gpus: readonly Gpu[], count: number): number[] {
  const room = gpus.map(({ roomBytes }) => Math.max(1, roomBytes));
  const total = room.reduce((sum, bytes) => sum + bytes, 0);
  let before = 0;
  let given = 0;
  return room.map((bytes) => {
    before += bytes;
    const layers = Math.round((count * before) / total) - given;
    given += layers;
    return layers;
  });
}

function describe(
  model: OffloadModel,
  gpus: readonly Gpu[],
  layers: readonly number[],
  wishes: OffloadWishes,
): OffloadPlan {
  const used = gpus.map((gpu, i) => ({ ...gpu, layers: layers[i] ?? 0 })).filter((gpu) => gpu.layers > 0);
  const blocks = Math.max(1, model.bytes.layers.length);
  const gpuLayers = used.reduce((sum, gpu) => sum + gpu.layers, 0);
  const weights = costs(model, gpuLayers, 0);
  let next = 0;
  let budget = Number.POSITIVE_INFINITY;
  const bound = (bytes: number, held: number) => {
    if (held > 0) budget = Math.min(budget, (Math.max(0, bytes) * blocks) / held);
  };
  for (const [i, gpu] of used.entries()) {
    const own = weights.slice(next, next + gpu.layers).reduce((sum, bytes) => sum + bytes, 0);
    next += gpu.layers;
    // The head holds no cache.
    const held = i === used.length - 1 ? gpu.layers - 1 : gpu.layers;
    bound((gpu.roomBytes - own) * CACHE_SHARE, held);
  }
  const onGpu = Math.max(0, gpuLayers - 1);
  bound(wishes.hostCacheBytes, model.bytes.layers.length - onGpu);
  return {
    devices: used.map(({ place }) => place),
    layers: used.map((gpu) => gpu.layers),
    gpuLayers,
    totalLayers: model.bytes.layers.length + 1,
    vramBytes: weights.reduce((sum, bytes) => sum + bytes, 0),
    cacheShare: onGpu / blocks,
    cacheBudgetBytes: Number.isFinite(budget) ? budget : wishes.hostCacheBytes,
  };
}
