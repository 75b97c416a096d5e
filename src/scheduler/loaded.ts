// A model in memory, or on its way there: what the scheduler keeps of it, and what others are told.

import type { OpenedModel } from "../models/opened-model.ts";
import type { RunnerProcess } from "../runner/process.ts";
import type { Resident } from "./decide.ts";
import type { IdleTimer } from "./idle-timer.ts";
import type { TurnQueue } from "./turn-queue.ts";

export interface Loaded extends Resident {
  state: "loading" | "ready" | "stopping";
  leases: number;
  keepAliveMs: number;
  lastUsedMs: number;
  readonly bytes: number;
  readonly model: OpenedModel;
  readonly abort: AbortController;
  runner: RunnerProcess | undefined;
  readonly idle: IdleTimer;
  /** Requests that wait for their turn at the ready runner. */
  readonly turns: TurnQueue;
}

export interface RunningInfo {
  readonly model: OpenedModel;
  readonly expiresAtMs: number;
  readonly sizeBytes: number;
  /** The part of it on GPUs. */
  readonly vramBytes: number;
  readonly contextLength: number;
  readonly sequences: number;
  readonly pending: number;
  /** Requests that wait for their turn. */
  readonly queued: number;
  readonly stopping: boolean;
}

/** A hold on a runner; disposing it starts the idle timer when it was the last. */
export class Lease implements Disposable {
  #released = false;

  constructor(
    readonly runner: RunnerProcess,
    private readonly release: () => void,
  ) {}

  [Symbol.dispose](): void {
    if (this.#released) return;
    this.#released = true;
    this.release();
  }
}

/** A runner is handed this many times the requests it can run at once: it orders them by shared beginnings. */
const HANDED_PER_SEQUENCE = 2;

export function hasRoom({ leases, runner }: Loaded): boolean {
  return runner === undefined || leases < runner.facts.maxSequences * HANDED_PER_SEQUENCE;
}

export function runningInfo(loaded: Loaded): RunningInfo {
  return {
    model: loaded.model,
    expiresAtMs: Date.now() + loaded.idle.remainingMs,
    sizeBytes: sizeOf(loaded),
    vramBytes: vramOf(loaded),
    contextLength: loaded.runner?.facts.maxContext ?? 0,
    sequences: loaded.runner?.facts.maxSequences ?? 0,
    pending: loaded.runner?.pending ?? 0,
    queued: loaded.turns.length,
    stopping: loaded.state === "stopping" || (loaded.keepAliveMs === 0 && loaded.leases > 0),
  };
}

/** Weights, working buffers and the cache as it has grown. */
export function sizeOf({ bytes, runner }: Loaded): number {
  return bytes + (runner?.memory?.cacheBytes ?? 0);
}

/** The part of it that lies on GPUs: all of it when every layer does. */
export function vramOf(loaded: Loaded): number {
  const { runner, state } = loaded;
  if (runner === undefined || state === "loading") return 0;
  const { gpuLayers, totalLayers, vramBytes: weights, vramCacheShare } = runner.facts;
  if (gpuLayers === totalLayers) return sizeOf(loaded);
  return Math.min(sizeOf(loaded), weights + Math.round((runner.memory?.cacheBytes ?? 0) * vramCacheShare));
}
