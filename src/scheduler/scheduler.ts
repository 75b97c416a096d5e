// Keeps models resident: a queue of requests that wait for a runner, one loop that performs `decide`, keep-alive timers.
// Requests for a model that is ready pass at once; the others are handled in order, one load at a time (spec 7.04).

import { join } from "node:path";
import { memoryState } from "../base/memory.ts";
import { AppError, toAppError } from "../base/errors.ts";
import { logInfo } from "../base/log.ts";
import type { Config } from "../config.ts";
import type { OpenedModel } from "../models/opened-model.ts";
import { describeCage, warnAboutCage } from "../runner/cage/report.ts";
import type { NativeLibraries } from "../runner/native.ts";
import { RunnerProcess } from "../runner/process.ts";
import { vramBytes } from "./budget.ts";
import { decide } from "./decide.ts";
import { IdleTimer } from "./idle-timer.ts";
import type { LoadSpec } from "./load-spec.ts";
import { hasRoom, Lease, type Loaded, type RunningInfo, runningInfo, sizeOf, vramOf } from "./loaded.ts";
import { ThreadMemory } from "./thread-memory.ts";
import { type Turn, TurnQueue } from "./turn-queue.ts";
import { whoGivesWay } from "./turns.ts";

interface Waiting {
  readonly asker: string;
  readonly spec: LoadSpec;
  readonly model: OpenedModel;
  readonly context: number;
  readonly resolve: (loaded: Loaded) => void;
  readonly reject: (error: unknown) => void;
  readonly signal: AbortSignal;
}

export interface Wishes {
  readonly context: number;
  readonly keepAliveMs: number | undefined;
  readonly signal: AbortSignal;
  readonly asker: string;
  /** False for short work that need not wait for answers to end. */
  readonly takesTurn: boolean;
}

/** The longest wait JavaScript's timers keep. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class Scheduler implements AsyncDisposable {
  readonly #loaded = new Map<string, Loaded>();
  readonly #waiting: Waiting[] = [];
  #pumping = false;
  #closed = false;
  readonly #threadMemory: ThreadMemory;
  #gpus: NativeLibraries["gpus"] = [];

  constructor(
    private readonly config: Config,
    private readonly libraries: () => Promise<NativeLibraries>,
  ) {
    this.#threadMemory = new ThreadMemory(join(config.cacheDir, "threads.json"));
  }

  /**
   * Waits for a runner of the model, and for a turn at it. `keepAliveMs` replaces the earlier value when given (it is sticky,
   * spec 7.02). Throws `busy` at once when too many wait already, `canceled` when the signal fires.
   */
  async acquire(model: OpenedModel, spec: LoadSpec, wishes: Wishes): Promise<Lease> {
    if (this.#closed) throw new AppError("busy", "the server is shutting down");
    // Whoever a model is being loaded for does not count, as in Ollama.
    const queued = this.waiting - Math.min(1, this.#waiting.length);
    if (queued >= this.config.maxQueue) this.#makeRoomFor(wishes.asker);
    for (;;) {
      const ready = this.#loaded.get(spec.key);
      const compatible = ready?.state === "ready" && ready.signature === spec.signature && ready.runner?.alive === true;
      const loaded = compatible ? ready : await this.#enqueue(model, spec, wishes);
      if (!compatible) loaded.leases--; // the loop holds one for us until we have taken our own
      if (!wishes.takesTurn || hasRoom(loaded)) return this.#lease(loaded, wishes.keepAliveMs);
      if (await loaded.turns.wait(wishes.asker, wishes.signal)) {
        loaded.leases--; // held for us, as above
        return this.#lease(loaded, wishes.keepAliveMs);
      }
    }
  }

  /** Lets another waiting request go, or refuses the newcomer. */
  #makeRoomFor(asker: string): void {
    const queues = [...this.#loaded.values()].map(({ turns }) => turns);
    const victim = whoGivesWay<Turn | Waiting>([...this.#waiting, ...queues.flatMap(({ all }) => all)], asker);
    if (victim === undefined) throw tooManyWait();
    if ("spec" in victim) this.#waiting.splice(this.#waiting.indexOf(victim), 1);
    else for (const queue of queues) queue.remove(victim);
    victim.reject(tooManyWait());
  }

  #nextTurns(loaded: Loaded): void {
    while (loaded.state === "ready" && hasRoom(loaded)) {
      const turn = loaded.turns.next();
      if (turn === undefined) return;
      loaded.leases++;
      turn.resolve(true);
    }
  }

  /** Unloads when the running requests are done; undefined-safe. True when the model was loaded. */
  expire(key: string): boolean {
    const loaded = this.#loaded.get(key);
    if (loaded === undefined) return false;
    loaded.keepAliveMs = 0;
    loaded.idle.hold(0);
    if (loaded.leases === 0 && loaded.state === "ready") void this.#stop(loaded);
    return true;
  }

  /** Unloads and waits until the memory is free. */
  async unload(key: string): Promise<void> {
    const loaded = this.#loaded.get(key);
    if (loaded !== undefined) await this.#stop(loaded);
  }

  running(): RunningInfo[] {
    return [...this.#loaded.values()]
      .filter(({ state }) => state !== "loading")
      .map(runningInfo)
      .sort((a, b) => b.expiresAtMs - a.expiresAtMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const closed = new AppError("busy", "the server is shutting down");
    for (const waiting of this.#waiting.splice(0)) waiting.reject(closed);
    for (const { turns } of this.#loaded.values()) turns.rejectAll(closed);
    await Promise.all([...this.#loaded.values()].map((loaded) => this.#stop(loaded)));
  }

  /** Requests that nothing works on yet. */
  get waiting(): number {
    let pending = this.#waiting.length;
    for (const { runner, leases, turns } of this.#loaded.values()) {
      if (runner?.alive === true) pending += Math.max(0, leases - runner.facts.maxSequences) + turns.length;
    }
    return pending;
  }

  #enqueue(model: OpenedModel, spec: LoadSpec, { context, signal, asker }: Wishes): Promise<Loaded> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { asker, spec, model, context, resolve, reject, signal };
      signal.addEventListener("abort", () => this.#abandon(waiting), { once: true });
      this.#waiting.push(waiting);
      this.#pump();
    });
  }

  #abandon(waiting: Waiting): void {
    const at = this.#waiting.indexOf(waiting);
    if (at >= 0) this.#waiting.splice(at, 1);
    waiting.reject(new AppError("canceled", "request canceled"));
    // Nobody else waits for what is being loaded for this request: stop loading it.
    const loading = this.#loaded.get(waiting.spec.key);
    const wanted = this.#waiting.some(({ spec }) => spec.key === waiting.spec.key);
    if (loading?.state === "loading" && !wanted) loading.abort.abort();
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      this.#decideForHead();
    });
  }

  #decideForHead(): void {
    for (const waiting of [...this.#waiting]) {
      const { spec } = waiting;
      const maxLoaded = this.config.maxLoadedModels || DEFAULT_MAX_LOADED;
      const limits = { maxLoaded, freeBytes: this.#freeBytes() };
      const decision = decide(spec, [...this.#loaded.values()], limits);
      if (decision.do === "serve") {
        this.#serve(waiting);
        continue;
      }
      if (decision.do === "load") void this.#load(waiting);
      else if (this.#refuseHopeless(waiting)) continue;
      if (decision.do === "evict") for (const key of decision.keys) void this.unload(key);
      return;
    }
  }

  /** No model is put out, and nobody waits, for one that would not fit if all others were gone. */
  #refuseHopeless(waiting: Waiting): boolean {
    const held = [...this.#loaded.values()].reduce((sum, loaded) => sum + sizeOf(loaded), 0);
    const shortage = waiting.spec.shortage(this.#gpus, held);
    if (shortage === undefined) return false;
    this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
    waiting.reject(shortage);
    return true;
  }

  /** Room for another model: what GPUs had free at the start less what runners hold there, or without GPUs main memory. */
  #freeBytes(): number {
    if (this.#gpus.length === 0) return memoryState().availableBytes;
    const held = [...this.#loaded.values()].reduce((sum, loaded) => sum + vramOf(loaded), 0);
    return Math.max(0, vramBytes(this.#gpus) - held);
  }

  #serve(waiting: Waiting): void {
    const loaded = this.#loaded.get(waiting.spec.key);
    this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
    if (loaded === undefined) return waiting.reject(new AppError("internal", "the model went away"));
    loaded.leases++;
    waiting.resolve(loaded);
  }

  async #load(waiting: Waiting): Promise<void> {
    const { spec, model, context } = waiting;
    const loaded: Loaded = {
      key: spec.key,
      signature: spec.signature,
      bytes: spec.bytes,
      state: "loading",
      leases: 0,
      keepAliveMs: this.config.keepAliveMs,
      lastUsedMs: performance.now(),
      model,
      abort: new AbortController(),
      runner: undefined,
      idle: new IdleTimer(() => void this.#stop(loaded)),
      turns: new TurnQueue(),
    };
    this.#loaded.set(spec.key, loaded);
    try {
      const libraries = await this.libraries();
      this.#gpus = libraries.gpus;
      const request = spec.request(libraries, context, this.#threadMemory);
      const timeout = AbortSignal.timeout(Math.min(this.config.loadTimeoutMs, LONGEST_TIMER_MS));
      const signal = AbortSignal.any([loaded.abort.signal, timeout]);
      loaded.runner = await RunnerProcess.start(request, signal, this.config.stallTimeoutMs).catch((error: unknown) => {
        throw timeout.aborted ? new AppError("internal", "timed out waiting for the model to load") : error;
      });
      loaded.runner.onExit = () => this.#exited(loaded);
      loaded.state = "ready";
      logInfo("model loaded", {
        model: model.name.display,
        pid: loaded.runner.pid,
        ms: Math.round(loaded.runner.facts.loadMs),
        backend: loaded.runner.facts.backend,
        layers: `${loaded.runner.facts.gpuLayers}/${loaded.runner.facts.totalLayers} on GPU`,
        threads: loaded.runner.facts.threads,
        parallel: loaded.runner.facts.maxSequences,
        context: loaded.runner.facts.maxContext,
        cage: describeCage(loaded.runner.facts.cage),
      });
      warnAboutCage(loaded.runner.facts.cage, "runners");
      if (!this.#waiting.some((other) => other.spec.key === spec.key)) this.#armIdleTimer(loaded);
    } catch (error) {
      this.#loaded.delete(spec.key);
      this.#rejectAll(spec.key, toAppError(error));
    }
    this.#pump();
  }

  #rejectAll(key: string, error: AppError): void {
    for (const waiting of [...this.#waiting]) {
      if (waiting.spec.key !== key) continue;
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      waiting.reject(error);
    }
  }

  #lease(loaded: Loaded, keepAliveMs: number | undefined): Lease {
    const { runner } = loaded;
    if (runner === undefined) throw new AppError("internal", "the model is not loaded");
    if (keepAliveMs !== undefined) loaded.keepAliveMs = keepAliveMs;
    loaded.leases++;
    loaded.idle.hold(loaded.keepAliveMs);
    return new Lease(runner, () => {
      loaded.leases--;
      loaded.lastUsedMs = performance.now();
      this.#nextTurns(loaded);
      this.#armIdleTimer(loaded);
      this.#pump();
    });
  }

  #armIdleTimer(loaded: Loaded): void {
    if (loaded.leases > 0 || loaded.state !== "ready") return;
    if (loaded.keepAliveMs === 0) return void this.#stop(loaded);
    loaded.idle.start(loaded.keepAliveMs);
  }

  async #stop(loaded: Loaded): Promise<void> {
    loaded.idle.stop();
    loaded.state = "stopping";
    loaded.abort.abort();
    await loaded.runner?.[Symbol.asyncDispose]();
    this.#forget(loaded);
  }

  #exited(loaded: Loaded): void {
    loaded.idle.stop();
    this.#forget(loaded);
  }

  #forget(loaded: Loaded): void {
    const { runner } = loaded;
    if (runner?.settledThreads !== undefined)
      void this.#threadMemory.note(loaded.key, runner.facts.threads, runner.settledThreads);
    if (this.#loaded.get(loaded.key) === loaded) this.#loaded.delete(loaded.key);
    loaded.turns.dissolve();
    this.#pump();
  }
}

const DEFAULT_MAX_LOADED = 3;

function tooManyWait(): AppError {
  // Ollama's words, two spaces included (server/sched.go, ErrMaxQueue).
  return new AppError("busy", "server busy, please try again.  maximum pending requests exceeded", {
    retryAfterSeconds: 1,
  });
}
