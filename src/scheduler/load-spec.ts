// From a model and a request's load-time options to what a runner is started with.

import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import { usableThreads } from "../base/cpu.ts";
import { memoryState } from "../base/memory.ts";
import type { ModelOptions } from "../api/schema/options.ts";
import type { Config } from "../config.ts";
import type { GgufFacts } from "../formats/gguf/facts.ts";
import type { OpenedModel } from "../models/opened-model.ts";
import { AppError } from "../base/errors.ts";
import { humanBytes } from "../base/bytes.ts";
import { LLAMA_TAG } from "../runner/llama/abi.gen.ts";
import type { NativeLibraries } from "../runner/native.ts";
import type { OffloadModel } from "../runner/offload.ts";
import type { LoadRequest } from "../runner/protocol.ts";
import { type ModelCost, planCache, predictBytes, scaleKvBytes, vramBytes } from "./budget.ts";

export interface LoadSpec {
  readonly key: string;
  readonly signature: string;
  readonly bytes: number;
  /** Made when the load happens, from the memory that is free then. */
  readonly request: (libraries: NativeLibraries, context: number) => LoadRequest;
  readonly trainedContext: number;
}

const DEFAULT_BATCH = 512;
/** Tokens of context that layers on a GPU make room for when none were asked for; more is used where it is free. */
const RESERVED_CONTEXT = 8192;

export function loadSpec(model: OpenedModel, options: ModelOptions, config: Config): LoadSpec {
  const path = model.weightsPath;
  if (path === undefined) throw new AppError("unsupported", "the model has no local weights");
  const facts = model.facts();
  const draft = model.draftFacts();
  const cost = sum(costOf(facts, config), draft === undefined ? undefined : costOf(draft, config));
  const adapters = model.adapterPaths.map((adapter) => ({ path: adapter, scale: 1 }));
  const threads =
    options.num_thread !== undefined && options.num_thread > 0
      ? options.num_thread
      : config.numThreads || usableThreads();
  const batch = options.num_batch !== undefined && options.num_batch > 0 ? options.num_batch : DEFAULT_BATCH;
  const gpuLayers = options.num_gpu ?? -1;
  const mmap = options.use_mmap ?? true;
  const signature = JSON.stringify([
    adapters,
    model.draftPath ?? "",
    options.num_thread ?? 0,
    batch,
    gpuLayers,
    options.main_gpu ?? null,
    mmap,
  ]);
  return {
    key: path,
    signature,
    bytes: predictBytes(cost),
    trainedContext: cost.trainedContext,
    request: (libraries, context) => {
      const { availableBytes } = memoryState();
      const vram = gpuLayers === 0 ? 0 : vramBytes(libraries.gpus);
      // Mapped weights need no room of their own up front, but they must be able to stay resident while in use.
      if (predictBytes(cost) > availableBytes + vram + cost.weightBytes * 0.25) {
        throw tooLittleMemory(cost, availableBytes + vram);
      }
      const wanted = Math.min(context, cost.trainedContext > 0 ? cost.trainedContext : context);
      const wishes = { numParallel: config.numParallel, context: wanted };
      const plan = planCache(cost, Math.max(availableBytes, vram), wishes);
      return {
        type: "load",
        libraryDir: libraries.directory,
        backendFiles: libraries.backendFiles,
        modelPath: path,
        draft:
          model.draftPath === undefined || draft === undefined
            ? undefined
            : { path: model.draftPath, model: offloadModel(draft, costOf(draft, config)) },
        adapters,
        threads,
        fixedThreads: options.num_thread !== undefined && options.num_thread > 0,
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
        mmap,
        batch,
        kvType: config.kvCacheType,
        flashAttention: config.flashAttention,
        maxContext: plan.maxContext,
        maxSequences: plan.maxSequences,
        kvBytesPerToken: cost.kvBytesPerToken,
        prefixCacheBytes: config.prefixCacheMiB * 1024 * 1024,
        stateDir:
          config.stateCacheMiB > 0 ? join(config.cacheDir, "state", stateKey(path, signature, config)) : undefined,
        stateDirBytes: config.stateCacheMiB * 1024 * 1024,
        embedding: facts.hasPoolingType,
        caged: config.runnerCage,
      };
    },
  };
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

function tooLittleMemory(cost: ModelCost, availableBytes: number): AppError {
  const needed = predictBytes(cost);
  const missing = humanBytes(needed - availableBytes);
  return new AppError(
    "internal",
    `model requires more system memory (${humanBytes(needed)}) than is available (${humanBytes(availableBytes)}); ${missing} are missing: close other programs, or use a smaller model or quantization`,
  );
}
