// From a load request to a running engine: libraries, model, adapters, threads, first context.

import { existsSync, mkdirSync } from "node:fs";
import { ptr } from "bun:ffi";
import { AppError } from "../base/errors.ts";
import { enterCage } from "./cage/cage.ts";
import type { CageReport } from "./cage/report.ts";
import { cageRules } from "./cage/rules.ts";
import { Admission } from "./engine/admission.ts";
import { DraftModel } from "./engine/draft-model.ts";
import { Embedder } from "./engine/embedder.ts";
import { Engine } from "./engine/engine.ts";
import { FIRST_DEMAND, planFor, type PlanLimits, SMALLEST_CONTEXT } from "./engine/plan.ts";
import { PrefixStore } from "./engine/prefix-store.ts";
import { Pulse } from "./engine/pulse.ts";
import { type FixedParams, Sequences } from "./engine/sequences.ts";
import { plausibleCounts, ThreadGovernor } from "./engine/thread-governor.ts";
import type { Context } from "./llama/context.ts";
import { type ComputeDevice, listDevices, loadBackend, loadBackends } from "./llama/devices.ts";
import { asPointer, cString, type LlamaSymbols, openLlama } from "./llama/library.ts";
import { Model } from "./llama/model.ts";
import { Threadpool } from "./llama/threadpool.ts";
import { type OffloadPlan, planOffload } from "./offload.ts";
import type { FromRunner, LoadRequest, RunnerFacts } from "./protocol.ts";

export interface LoadedEngine {
  readonly engine: Engine;
  readonly embedder: Embedder;
  readonly model: Model;
  readonly facts: RunnerFacts;
}

export function createEngine(request: LoadRequest, emit: (message: FromRunner) => void): LoadedEngine {
  const startedMs = performance.now();
  const llama = openLlama(request.libraryDir);
  loadChosenBackends(llama, request);
  const cage = enterCageFor(request);
  const { model, placement } = loadPlaced(llama, request, request.modelPath, request.offload);
  const limits: PlanLimits = {
    maxSequences: request.maxSequences,
    maxContext: longestContext(request, model, placement),
    budgetBytes: placement.cacheBudgetBytes,
    bytesPerToken: request.kvBytesPerToken,
  };
  const threadpool = request.threads > 1 ? Threadpool.create(llama, request.threads) : undefined;
  // Each running answer puts a token into every batch, however small num_batch is.
  const batch = Math.max(request.batch, limits.maxSequences);
  const fixed = fixedParams(request, batch);
  const store = new PrefixStore(request.prefixCacheBytes, request.stateDir, request.stateDirBytes, () =>
    emit({ type: "state-written" }),
  );
  const sequences = new Sequences(llama, model, fixed, threadpool, store, planFor(FIRST_DEMAND, limits));
  const applyAdapters = loadAdapters(llama, model, request);
  sequences.setAdapters(applyAdapters);
  const pulse = new Pulse(model.sizeBytes, emit);
  const { maxContext } = limits;
  const engine = new Engine({
    model,
    sequences,
    draftModel: loadDraft(llama, request, model, fixed, threadpool),
    admission: new Admission(sequences, limits, store, emit),
    governor: governorFor(request),
    pulse,
    batchSize: batch,
    maxContext,
    emit,
  });
  const { embedding: isEmbeddingModel, ranks } = request;
  const embedOptions = { maxContext, isEmbeddingModel, ranks, prepare: applyAdapters, pulse };
  return {
    engine,
    embedder: new Embedder(llama, model, fixed, threadpool, embedOptions, emit),
    model,
    facts: {
      backend: [...new Set([...placement.gpus.map(({ backend }) => backend), "CPU"])].join(", "),
      devices: placement.gpus.map(({ name, description }) => `${name} (${description})`),
      gpuLayers: placement.gpuLayers,
      totalLayers: placement.totalLayers,
      vramBytes: placement.vramBytes,
      vramCacheShare: placement.cacheShare,
      trainedContext: model.trainedContext,
      maxContext,
      maxSequences: limits.maxSequences,
      threads: request.threads,
      modelBytes: model.sizeBytes,
      canShift: sequences.context.canShift,
      canReusePrefix: sequences.rules.reuse === "cut",
      isEmbedding: request.embedding,
      loadMs: performance.now() - startedMs,
      cage,
    },
  };
}

/** What every context of this model is made with. */
function fixedParams(request: LoadRequest, batch: number): FixedParams {
  return {
    batch,
    microBatch: batch,
    threads: request.threads,
    kvType: request.kvType,
    flashAttention: request.flashAttention,
    unified: false,
    embeddings: false,
    pooling: -1,
    fullSlidingWindow: true,
  };
}

interface Placement extends OffloadPlan {
  readonly gpus: readonly ComputeDevice[];
}

/**
 * Loads the model onto the devices it is planned for. An estimate can be wrong, and memory can go while we load: then it is
 * tried with half the layers on GPUs, at last with none, unless the number was asked for.
 */
function loadPlaced(
  llama: LlamaSymbols,
  { mmap }: LoadRequest,
  path: string,
  { model: facts, wishes }: LoadRequest["offload"],
): { model: Model; placement: Placement } {
  if (!existsSync(path)) throw new AppError("not-found", "the model's weights are missing; pull it again");
  for (let gpuLayers = wishes.gpuLayers; ;) {
    const devices = listDevices(llama);
    const plan = planOffload(facts, devices, { ...wishes, gpuLayers });
    const gpus = plan.devices.flatMap((place) => devices[place] ?? []);
    const placed = gpus.map(({ pointer }, i) => ({ pointer, layers: plan.layers[i] ?? 0 }));
    try {
      const model = Model.load(llama, path, { gpus: placed, mmap });
      return { model, placement: { ...plan, gpus } };
    } catch (error) {
      if (plan.gpuLayers === 0 || wishes.gpuLayers >= 0) throw error;
      gpuLayers = Math.floor(plan.gpuLayers / 2);
      console.error(`the model does not load with ${plan.gpuLayers} layers on GPUs; trying ${gpuLayers}`);
    }
  }
}

function loadDraft(
  llama: LlamaSymbols,
  request: LoadRequest,
  target: Model,
  fixed: FixedParams,
  threadpool: Threadpool | undefined,
): DraftModel | undefined {
  if (request.draft === undefined) return undefined;
  const { path, model: facts } = request.draft;
  const wishes = { ...request.offload.wishes, gpuLayers: request.offload.wishes.gpuLayers === 0 ? 0 : -1 };
  const { model } = loadPlaced(llama, request, path, { model: facts, wishes });
  return new DraftModel(llama, model, target, fixed, threadpool);
}

/** What the model was trained for, as far as one sequence of that length finds room. */
function longestContext(request: LoadRequest, model: Model, { cacheBudgetBytes }: OffloadPlan): number {
  const trained = model.trainedContext > 0 ? model.trainedContext : request.maxContext;
  const reachable = Math.floor(cacheBudgetBytes / Math.max(1, request.kvBytesPerToken));
  return Math.max(SMALLEST_CONTEXT, Math.min(request.maxContext, trained, reachable));
}

/** What every context of this model has in common. */
function enterCageFor(request: LoadRequest): CageReport {
  const { stateDir } = request;
  if (stateDir !== undefined) {
    try {
      // A rule needs the directory itself; without one, states are not kept on disk.
      mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    } catch (error) {
      console.error(`no conversation states are kept: ${String(error)}`);
    }
  }
  return enterCage(request.caged ? cageRules(request) : undefined);
}

function governorFor({ threads, startThreads, fixedThreads }: LoadRequest): ThreadGovernor {
  if (fixedThreads) return new ThreadGovernor([threads], threads);
  return new ThreadGovernor(plausibleCounts(threads), startThreads ?? threads, startThreads !== undefined);
}

function loadChosenBackends(llama: LlamaSymbols, request: LoadRequest): void {
  if (request.backendFiles.length === 0) loadBackends(llama, request.libraryDir);
  for (const file of request.backendFiles) {
    if (!loadBackend(llama, file)) console.error(`could not load ${file}`);
  }
  llama.llama_backend_init();
}

/** Adapters belong to a context: what is returned gives them to one. */
function loadAdapters(llama: LlamaSymbols, model: Model, { adapters }: LoadRequest): (context: Context) => void {
  if (adapters.length === 0) return () => {};
  const pointers = new BigUint64Array(adapters.length);
  const scales = Float32Array.from(adapters, ({ scale }) => scale);
  for (const [i, adapter] of adapters.entries()) {
    const path = cString(adapter.path);
    const pointer = asPointer(llama.llama_adapter_lora_init(model.pointer, ptr(path)));
    if (pointer === null) throw new AppError("invalid", "the adapter does not fit this model");
    pointers[i] = BigInt(pointer);
  }
  return (context) => {
    const code = llama.llama_set_adapters_lora(context.pointer, ptr(pointers), pointers.length, ptr(scales));
    if (code !== 0) throw new AppError("invalid", "the adapter could not be applied to this model");
  };
}
