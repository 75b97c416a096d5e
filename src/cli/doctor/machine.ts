// Checks of what computes: the CPU library, GPUs, processors, memory.

import { existsSync, readdirSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { humanBinaryBytes, humanBytes } from "../../base/bytes.ts";
import { usableThreads } from "../../base/cpu.ts";
import { type MemoryState, memoryState } from "../../base/memory.ts";
import { estimateBytes, modelsThatFit } from "../advice/fitting-models.ts";
import { knownModels } from "../advice/known-models.ts";
import type { Finding } from "./finding.ts";

interface Device {
  readonly description: string;
  readonly kind: string;
  readonly backend: string;
  readonly totalBytes: number;
  readonly freeBytes: number;
}

interface Engine {
  readonly cpuLibrary: string | undefined;
  readonly devices: readonly Device[];
}

export type EngineResult =
  | { readonly kind: "found"; readonly inspection: Engine }
  | { readonly kind: "failed"; readonly reason: string };

export async function machineFindings(cacheDir: string): Promise<Finding[]> {
  // The engine is loaded for this command only.
  const { inspectMachine } = await import("../../runner/inspect.ts");
  const engine = await inspectMachine(cacheDir);
  const processors = { present: Math.max(cpus().length, availableParallelism()), usable: usableThreads() };
  return [
    judgeCpuLibrary(engine, cpus()[0]?.model ?? "unknown processor"),
    judgeGpu(engine, gpuTraces()),
    judgeProcessors(processors),
    judgeMemory(memoryState()),
  ];
}

export function judgeCpuLibrary(engine: EngineResult, processor: string): Finding {
  const check = "cpu library";
  if (engine.kind === "found") {
    const library = engine.inspection.cpuLibrary ?? "the only one of this platform";
    return { check, level: "ok", summary: `${library}, for ${processor.trim()}` };
  }
  return {
    check,
    level: "problem",
    summary: `models cannot run: ${engine.reason}`,
    advice:
      "Check that the folder of XDG_CACHE_HOME (~/.cache) is writable and allows execution, and that glibc is 2.34 or newer; download this program again if it may be damaged.",
  };
}

/** What the system shows of GPUs, whether or not the engine can use them. */
export function gpuTraces(root = "/"): string[] {
  const nodes: readonly (readonly [path: string, name: string])[] = [
    ["dev/nvidiactl", "NVIDIA driver (/dev/nvidiactl)"],
    ["dev/kfd", "AMD compute driver (/dev/kfd)"],
    ["dev/dxg", "GPU of Windows (/dev/dxg)"],
  ];
  const found = nodes.filter(([path]) => existsSync(join(root, path))).map(([, name]) => name);
  if (found.length > 0) return found;
  const render = names(join(root, "dev/dri")).find((name) => name.startsWith("renderD"));
  return render === undefined ? [] : [`graphics device (/dev/dri/${render})`];
}

export function judgeGpu(engine: EngineResult, traces: readonly string[]): Finding {
  const check = "gpu";
  const devices = engine.kind === "found" ? engine.inspection.devices : [];
  const gpus = devices.filter(({ kind }) => kind === "gpu" || kind === "igpu");
  if (gpus.length > 0) {
    const text = gpus.map(
      ({ description, backend, totalBytes, freeBytes }) =>
        `${description} (${backend}, ${humanBinaryBytes(freeBytes)} of ${humanBinaryBytes(totalBytes)} free)`,
    );
    return { check, level: "ok", summary: text.join("; ") };
  }
  if (traces.length === 0) return { check, level: "note", summary: "none found; models run on the processor" };
  return {
    check,
    level: "warning",
    summary: `${traces.join(", ")} found, but no library of this program can use it; models run on the processor`,
    advice:
      "A build with a library for this GPU is needed, and its driver must be installed and working (try nvidia-smi).",
  };
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

function names(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}
