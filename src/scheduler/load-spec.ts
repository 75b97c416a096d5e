// From a model and a request's load-time options to what a runner is started with.

import { createHash } from "node:crypto";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { usableThreads } from "../base/cpu.ts";
import { memoryState } from "../base/memory.ts";
import type { ModelOptions } from "../api/schema/options.ts";
import type { Config } from "../config.ts";
import { type GgufFacts, ranksDocuments } from "../formats/gguf/facts.ts";
import { checkAdapterOnce } from "../models/adapter-layers.ts";
import type { OpenedModel } from "../models/opened-model.ts";
import { AppError } from "../base/errors.ts";
import { humanBytes } from "../base/bytes.ts";
import { LLAMA_TAG } from "../runner/llama/abi.gen.ts";
import type { NativeLibraries } from "../runner/native.ts";
import type { OffloadModel } from "../runner/offload.ts";
import type { LoadRequest } from "../runner/protocol.ts";
import type { ThreadMemory } from "./thread-memory.ts";
import { type CachePlan, type ModelCost, planCache, predictBytes, scaleKvBytes, vramBytes } from "./budget.ts";

export interface LoadSpec {
  readonly key: string;
  readonly signature: string;
  readonly bytes: number;
  /** Made when the load happens, from the memory that is free then. */
  readonly request: (libraries: NativeLibraries, context: number, memory: ThreadMemory) => LoadRequest;
  readonly trainedContext: number;
  /** Why it would not even fit if this much more were free than is now; undefined where it would. */
  readonly shortage: (gpus: NativeLibraries["gpus"], moreBytes: number) => AppError | undefined;
}

const MIB = 1024 * 1024;
const DEFAULT_BATCH = 512;
/** A batch's buffers grow with it, and nothing is faster in larger ones. */
const MOST_BATCH = 8192;
/** `num_gpu` when nobody asked. */
const ALL_THAT_FIT = -1;
/** Tokens of context that layers on a GPU make room for when none were asked for; more is used where it is free. */
const RESERVED_CONTEXT = 8192;

export function loadSpec(model: OpenedModel, options: ModelOptions, config: Config): LoadSpec {
  const path = model.weightsPath;
  if (path === undefined) throw new AppError("unsupported", "the model has no local weights");
  requireUsableCache(config);
  for (const adapter of model.adapters) checkAdapterOnce(path, adapter.path);
  const facts = model.facts();
  const draft = draftOf(model, config);
  const cost = sum(costOf(facts, config), draft?.cost);
  const wishes = wishesOf(options);
  const signature = signatureOf(model, options, wishes);
  return {
    key: path,
    signature,
    bytes: predictBytes(cost),
    trainedContext: cost.trainedContext,
    shortage: (gpus, moreBytes) => shortage(cost, options.num_gpu === 0 ? [] : gpus, moreBytes),
    request: (libraries, context, memory) => {
      const threads = wishes.threads ?? (config.numThreads || usableThreads());
      const { offload, plan } = placement(facts, cost, { options, config, libraries, context });
      return {
        type: "load",
        libraryDir: libraries.directory,
        backendFiles: libraries.backendFiles,
        modelPath: path,
        draft,
        adapters: model.adapters,
        threads,
        fixedThreads: wishes.threads !== undefined,
        batch: wishes.batch,
        mmap: wishes.mmap,
        startThreads: memory.recall(path, threads),
        offload,
        kvType: config.kvCacheType,
        flashAttention: config.flashAttention,
        maxContext: plan.maxContext,
        maxSequences: plan.maxSequences,
        kvBytesPerToken: cost.kvBytesPerToken,
        prefixCacheBytes: config.prefixCacheMiB * MIB,
        stateDir:
          config.stateCacheMiB > 0 ? join(config.cacheDir, "state", stateKey(path, signature, config)) : undefined,
        stateDirBytes: config.stateCacheMiB * MIB,
        embedding: facts.hasPoolingType && facts.poolingType !== POOLING_NONE,
        ranks: ranksDocuments(facts),
        caged: config.runnerCage,
      };
    },
  };
}

/** llama.cpp reads a quantized cache with flash attention only. */
export function requireUsableCache({
  kvCacheType,
  flashAttention,
}: Pick<Config, "kvCacheType" | "flashAttention">): void {
  if (flashAttention !== "off" || /^b?f(16|32)$/.test(kvCacheType)) return;
  throw new AppError(
    "internal",
    `OLLAMA_KV_CACHE_TYPE=${kvCacheType} needs flash attention, which OLLAMA_FLASH_ATTENTION switches off; change one of them`,
  );
}

/** No more threads than processors: they would wait for each other, and the engine aborts at some number of them. */
export function askedThreads(asked: number | undefined, processors = availableParallelism()): number | undefined {
  return asked !== undefined && asked > 0 ? Math.min(asked, processors) : undefined;
}

/** What a request may choose for a load; 0 and less ask for the default, as in Ollama. */
function wishesOf(options: ModelOptions) {
  const asked = (value: number | undefined) => (value !== undefined && value > 0 ? value : undefined);
  return {
    threads: askedThreads(options.num_thread),
    batch: Math.min(asked(options.num_batch) ?? DEFAULT_BATCH, MOST_BATCH),
    mmap: options.use_mmap ?? true,
  };
}

/** Everything that makes another runner necessary, besides the weights. */
function signatureOf(model: OpenedModel, options: ModelOptions, wishes: ReturnType<typeof wishesOf>): string {
  return JSON.stringify([
    model.adapters,
    model.draftPath ?? "",
    wishes.threads ?? 0,
    wishes.batch,
    options.num_gpu ?? ALL_THAT_FIT,
    options.main_gpu ?? null,
    wishes.mmap,
  ]);
}

/** Throws `internal` when the memory of this machine, GPUs included, cannot hold the model. */
function placement(
  facts: GgufFacts,
  cost: ModelCost,
  { options, config, libraries, context }: PlacementWishes,
): { offload: LoadRequest["offload"]; plan: CachePlan } {
  const gpuLayers = options.num_gpu ?? ALL_THAT_FIT;
  const gpus = gpuLayers === 0 ? [] : libraries.gpus;
  const short = shortage(cost, gpus, 0);
  if (short !== undefined) throw short;
  const { availableBytes } = memoryState();
  const vram = vramBytes(gpus);
  const wanted = Math.min(context, cost.trainedContext > 0 ? cost.trainedContext : context);
  const wishes = { numParallel: config.numParallel, context: wanted };
  const plan = planCache(cost, Math.max(availableBytes, vram), wishes);
  return {
    plan,
    offload: {
      model: offloadModel(facts, cost),
      wishes: {
        gpuLayers,
        mainGpu: options.main_gpu,
        spread: config.schedSpread,
        overheadBytes: config.gpuOverheadBytes,
        context: Math.min(plan.maxContext, options.num_ctx ?? RESERVED_CONTEXT),
        hostCacheBytes: planCache(cost, availableBytes, wishes).budgetBytes,
      },
    },
  };
}

interface PlacementWishes {
  readonly options: ModelOptions;
  readonly config: Config;
  readonly libraries: NativeLibraries;
  readonly context: number;
}

function draftOf({ draftPath, draftFacts }: OpenedModel, config: Config) {
  const facts = draftFacts();
  if (draftPath === undefined || facts === undefined) return undefined;
  const cost = costOf(facts, config);
  return { path: draftPath, model: offloadModel(facts, cost), cost };
}

function offloadModel(facts: GgufFacts, cost: ModelCost): OffloadModel {
  const { kvBytesPerToken, recurrentBytesPerSequence } = cost;
  return { bytes: facts.layerBytes, kvBytesPerToken, recurrentBytesPerSequence };
}

/** A draft model's cache grows with the large one's. */
function sum(cost: ModelCost, draft: ModelCost | undefined): ModelCost {
  if (draft === undefined) return cost;
  return {
    ...cost,
    weightBytes: cost.weightBytes + draft.weightBytes,
    kvBytesPerToken: cost.kvBytesPerToken + draft.kvBytesPerToken,
  };
}

/** Pooling types of llama.h. A model without pooling is averaged, like one that only generates. */
const POOLING_NONE = 0;

function costOf(facts: GgufFacts, config: Config): ModelCost {
  return {
    weightBytes: facts.tensorBytes,
    kvBytesPerToken: scaleKvBytes(facts.kvBytesPerToken + facts.slidingKvBytesPerToken, config.kvCacheType),
    recurrentBytesPerSequence: facts.recurrentBytesPerSequence,
    trainedContext: facts.contextLength,
  };
}

/** States only fit the same weights, adapters and cache types; the weights' file is named by its own hash. */
function stateKey(weightsPath: string, signature: string, config: Config): string {
  const facts = [basename(weightsPath), signature, config.kvCacheType, config.flashAttention, LLAMA_TAG];
  return createHash("sha256").update(facts.join("\n")).digest("hex").slice(0, 32);
}

/** Mapped weights need no room of their own up front, but they must be able to stay resident while in use. */
const WEIGHTS_TO_SPARE = 0.25;

function shortage(cost: ModelCost, gpus: NativeLibraries["gpus"], moreBytes: number): AppError | undefined {
  const availableBytes = memoryState().availableBytes + vramBytes(gpus);
  const fits = predictBytes(cost) <= availableBytes + moreBytes + cost.weightBytes * WEIGHTS_TO_SPARE;
  return fits ? undefined : tooLittleMemory(cost, availableBytes);
}

function tooLittleMemory(cost: ModelCost, availableBytes: number): AppError {
  const needed = predictBytes(cost);
  const missing = humanBytes(needed - availableBytes);
  return new AppError(
    "internal",
    `model requires more system memory (${humanBytes(needed)}) than is available (${humanBytes(availableBytes)}); ${missing} are missing: close other programs, or use a smaller model or quantization`,
  );
}
