// Checks of what computes: the CPU library, GPUs, processors, memory.

import { availableParallelism, cpus } from "node:os";
import { basename } from "node:path";
import { humanBinaryBytes, humanBytes } from "../../base/bytes.ts";
import { usableThreads } from "../../base/cpu.ts";
import { toAppError } from "../../base/errors.ts";
import { setLogLevel } from "../../base/log.ts";
import { type MemoryState, memoryState } from "../../base/memory.ts";
import type { Config } from "../../config.ts";
import { estimateBytes, modelsThatFit } from "../advice/fitting-models.ts";
import { knownModels } from "../advice/known-models.ts";
import type { Finding } from "./finding.ts";

interface Device {
  readonly description: string;
  readonly totalBytes: number;
  readonly freeBytes: number;
}

interface Engine {
  /** The CPU library's file name; undefined where the platform has only one. */
  readonly cpuLibrary: string | undefined;
  readonly gpus: readonly Device[];
  /** Why a GPU that is there is not used. */
  readonly gpuProblems: readonly string[];
}

export type EngineResult =
  | { readonly kind: "found"; readonly engine: Engine }
  | { readonly kind: "failed"; readonly reason: string };

export async function machineFindings({ cacheDir, llmLibrary }: Config): Promise<Finding[]> {
  const engine = await inspectEngine(cacheDir, llmLibrary);
  const processors = { present: Math.max(cpus().length, availableParallelism()), usable: usableThreads() };
  return [
    judgeCpuLibrary(engine, cpus()[0]?.model ?? "unknown processor"),
    ...judgeGpu(engine),
    judgeProcessors(processors),
    judgeMemory(memoryState()),
  ];
}

/** As a server's first start does it; drivers are asked in children of their own. */
async function inspectEngine(cacheDir: string, llmLibrary: string): Promise<EngineResult> {
  // The runner's code is needed by this command only.
  const { prepareLibraries } = await import("../../runner/native.ts");
  // What it would log is told as findings.
  setLogLevel("error");
  try {
    const { backendFiles, gpus, gpuProblems } = await prepareLibraries(cacheDir, llmLibrary);
    const cpu = backendFiles.at(-1);
    return { kind: "found", engine: { cpuLibrary: cpu === undefined ? undefined : basename(cpu), gpus, gpuProblems } };
  } catch (error) {
    return { kind: "failed", reason: toAppError(error).message };
  }
}

export function judgeCpuLibrary(result: EngineResult, processor: string): Finding {
  const check = "cpu library";
  if (result.kind === "found") {
    const library = result.engine.cpuLibrary ?? "the only one of this platform";
    return { check, level: "ok", summary: `${library}, for ${processor.trim()}` };
  }
  return {
    check,
    level: "problem",
    summary: `models cannot run: ${result.reason}`,
    advice:
      "Check that the folder of XDG_CACHE_HOME (~/.cache) is writable and allows execution, and that glibc is 2.34 or newer; download this program again if it may be damaged.",
  };
}

/** Nothing is said where nothing could be looked at: the library's finding tells why. */
export function judgeGpu(result: EngineResult): Finding[] {
  if (result.kind === "failed") return [];
  const check = "gpu";
  const { gpus, gpuProblems } = result.engine;
  const working = gpus.map(({ description, totalBytes, freeBytes }): Finding => ({
    check,
    level: "ok",
    summary: `${description}, ${humanBinaryBytes(freeBytes)} of ${humanBinaryBytes(totalBytes)} free`,
  }));
  const advice =
    "Its driver must be installed and working (try nvidia-smi or vulkaninfo), and the build must have a library for it.";
  const broken = gpuProblems.map((summary): Finding => ({ check, level: "warning", summary, advice }));
  if (working.length + broken.length > 0) return [...working, ...broken];
  return [{ check, level: "note", summary: "none found; models run on the processor" }];
}

export function judgeProcessors({ present, usable }: { present: number; usable: number }): Finding {
  const check = "processors";
  const summary = `${usable} compute threads, ${present} processors`;
  // Two threads of one core count as one: half is what is expected at best.
  if (usable * 2 >= present) return { check, level: "ok", summary };
  return {
    check,
    level: "note",
    summary: `${summary}: a container's limit or an affinity mask holds the rest back`,
    advice: "Give the container or service more processors (docker run --cpus, systemd CPUQuota) if answers are slow.",
  };
}

export function judgeMemory({ totalBytes, availableBytes }: MemoryState): Finding {
  const check = "memory";
  const summary = `${humanBinaryBytes(availableBytes)} of ${humanBinaryBytes(totalBytes)} available`;
  const [largest] = modelsThatFit(knownModels, availableBytes);
  const smallest = knownModels.find(({ name }) => name.startsWith("smollm2"));
  if (smallest !== undefined && availableBytes < estimateBytes(smallest.sizeBytes)) {
    return {
      check,
      level: "problem",
      summary: `${summary}: too little for any chat model`,
      advice: "Close other programs, unload models ('ollama ps', 'ollama stop MODEL'), or raise the container's limit.",
    };
  }
  const fits =
    largest === undefined ? "" : `; enough for models like ${largest.name} (${humanBytes(largest.sizeBytes)})`;
  return { check, level: "ok", summary: `${summary}${fits}` };
}
