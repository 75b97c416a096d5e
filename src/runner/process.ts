// The server's handle on one runner: starts it, routes its messages to the requests that wait for them, and turns its
// death, however it comes, into one clear error for each of them.

import { dirname } from "node:path";
import { AppError } from "../base/errors.ts";
import { AsyncQueue } from "../base/queue.ts";
import { logWarn } from "../base/log.ts";
import type {
  Delta,
  EmbedRequest,
  FromRunner,
  GenerateDone,
  GenerateRequest,
  GenerateStarted,
  LoadRequest,
  RunnerFacts,
  RunnerMeasures,
  ToRunner,
} from "./protocol.ts";
import { pruneStates } from "./prune-states.ts";
import { runnerEnvironment, selfCommand } from "./self.ts";
import { Watchdog } from "./watchdog.ts";
import { StderrTail } from "./stderr-tail.ts";

export type RunnerEvent = { readonly type: "delta"; readonly delta: Delta } | GenerateStarted | GenerateDone;

/** The prompt did not fit; `tokens` is its length. */
export class PromptOverflow extends AppError {
  constructor(
    message: string,
    readonly tokens: number,
  ) {
    super("invalid", message);
  }
}

type Waiting =
  | { readonly kind: "generate"; readonly queue: AsyncQueue<RunnerEvent> }
  | {
      readonly kind: "reply";
      readonly resolve: (message: FromRunner) => void;
      readonly reject: (error: Error) => void;
    };

/** One answer as it comes. Disposing of it before its end frees its place in the batch. */
export class Generation implements AsyncIterable<RunnerEvent>, Disposable {
  constructor(
    private readonly queue: AsyncQueue<RunnerEvent>,
    private readonly release: () => void,
  ) {}

  /** Resolves when the runner has said something; throws its refusal (`PromptOverflow` among others). */
  started(): Promise<void> {
    return this.queue.ready();
  }

  [Symbol.asyncIterator](): AsyncIterator<RunnerEvent, void> {
    return this.queue[Symbol.asyncIterator]();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

export interface RunnerMemory {
  readonly cacheBytes: number;
  readonly contextPerSequence: number;
  readonly sequences: number;
}

export class RunnerProcess implements AsyncDisposable {
  readonly #waiting = new Map<number, Waiting>();
  readonly #child: Bun.Subprocess<"ignore", "ignore", "pipe">;
  readonly #stderr = new StderrTail();
  readonly #ready = Promise.withResolvers<RunnerFacts>();
  readonly #watchdog: Watchdog;
  #nextId = 1;
  /** Requests given up that the runner has not let go of yet: it must not compute on them for ever either. */
  #leaving = 0;
  #closed: AppError | undefined;
  memory: RunnerMemory | undefined;
  /** The thread count its engine found best, once it has rested. */
  settledThreads: number | undefined;
  /** Called once when the process has ended, after every waiting request was told. */
  onExit: (() => void) | undefined;

  private constructor(
    private readonly load: LoadRequest,
    stallTimeoutMs: number,
  ) {
    this.#child = Bun.spawn(selfCommand("runner"), {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      env: runnerEnvironment(),
      // A group (on Unix: a session) of its own: Ctrl-C in the server's terminal is the server's to answer.
      detached: process.platform !== "win32",
      ipc: (message: FromRunner) => this.#receive(message),
      serialization: "advanced",
    });
    this.#ready.promise.catch(() => {});
    this.#watchdog = new Watchdog({
      pid: this.#child.pid,
      limitMs: stallTimeoutMs,
      isBusy: () => this.alive && (this.#facts === undefined || this.#waiting.size + this.#leaving > 0),
      // A load has a limit of its own.
      workBytes: () => this.#facts?.modelBytes,
      onHang: () => this.kill(),
    });
    void this.#stderr.follow(this.#child);
    void this.#child.exited.then(() => this.#exited());
    this.#send(load);
  }

  /**
   * Starts a runner and waits until its model can be asked. Aborting kills it. One that has work and neither answers nor
   * computes for `stallTimeoutMs`, or computes much longer than that without getting anywhere, is ended (Infinity: never).
   */
  static async start(load: LoadRequest, signal: AbortSignal, stallTimeoutMs: number): Promise<RunnerProcess> {
    if (signal.aborted) throw new AppError("canceled", "request canceled");
    const runner = new RunnerProcess(load, stallTimeoutMs);
    const abort = () => runner.kill();
    signal.addEventListener("abort", abort, { once: true });
    try {
      runner.#facts = await runner.#ready.promise;
      signal.throwIfAborted();
      return runner;
    } catch (error) {
      await runner[Symbol.asyncDispose]();
      throw signal.aborted ? new AppError("canceled", "request canceled") : error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  #facts: RunnerFacts | undefined;

  get facts(): RunnerFacts {
    if (this.#facts === undefined) throw new AppError("internal", "the runner is still loading");
    return this.#facts;
  }

  get pid(): number {
    return this.#child.pid;
  }

  get alive(): boolean {
    return this.#closed === undefined;
  }

  /** Requests it is working on or holding. */
  get pending(): number {
    return this.#waiting.size;
  }

  /** Begins at once; its reader must dispose of it. */
  generate(request: Omit<GenerateRequest, "type" | "id">, signal: AbortSignal): Generation {
    signal.throwIfAborted();
    const id = this.#nextId++;
    const queue = new AsyncQueue<RunnerEvent>();
    // The cancel goes out with the signal itself: a consumer that went away may never come back to read.
    const abort = () => {
      queue.fail(new AppError("canceled", "request canceled"));
      this.#cancel(id);
    };
    this.#waiting.set(id, { kind: "generate", queue });
    signal.addEventListener("abort", abort, { once: true });
    const generation = new Generation(queue, () => {
      signal.removeEventListener("abort", abort);
      this.#cancel(id);
    });
    try {
      this.#send({ type: "generate", id, ...request });
    } catch (error) {
      generation[Symbol.dispose]();
      throw error;
    }
    return generation;
  }

  #cancel(id: number): void {
    if (!this.#waiting.delete(id) || !this.alive) return;
    this.#leaving++;
    this.#send({ type: "cancel", id });
  }

  async tokenize(text: string, addSpecial: boolean, signal: AbortSignal): Promise<readonly number[]> {
    const reply = await this.#ask({ type: "tokenize", id: 0, text, addSpecial }, signal);
    return reply.type === "tokens" ? reply.tokens : [];
  }

  async detokenize(tokens: readonly number[], signal: AbortSignal): Promise<string> {
    const reply = await this.#ask({ type: "detokenize", id: 0, tokens }, signal);
    return reply.type === "text" ? reply.text : "";
  }

  async embed(
    request: Omit<EmbedRequest, "type" | "id">,
    signal: AbortSignal,
  ): Promise<Extract<FromRunner, { type: "embeddings" }>> {
    const reply = await this.#ask({ type: "embed", id: 0, ...request }, signal);
    if (reply.type !== "embeddings") throw new AppError("internal", "the runner gave no embeddings");
    return reply;
  }

  async measure(): Promise<RunnerMeasures | undefined> {
    const reply = await this.#ask({ type: "measure", id: 0 });
    return reply.type === "measured" ? reply.measures : undefined;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** Ends the process and waits until it is gone, so that its memory really is free. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.#child.exited;
  }

  async #ask(message: Exclude<ToRunner, LoadRequest | GenerateRequest>, signal?: AbortSignal): Promise<FromRunner> {
    signal?.throwIfAborted();
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<FromRunner>();
    const abort = () => {
      reject(new AppError("canceled", "request canceled"));
      this.#cancel(id);
    };
    this.#waiting.set(id, { kind: "reply", resolve, reject });
    signal?.addEventListener("abort", abort, { once: true });
    try {
      this.#send({ ...message, id });
      return await promise;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  #send(message: ToRunner): void {
    if (this.#closed !== undefined) throw this.#closed;
    this.#child.send(message);
  }

  #receive(message: FromRunner): void {
    this.#watchdog.hear(message.type === "alive" ? message.nextMs : 0);
    switch (message.type) {
      case "ready":
        return this.#ready.resolve(message.facts);
      case "load-failed":
        return this.#ready.reject(new AppError(message.fault, this.#withReason(message.message)));
      case "load-progress":
      case "alive":
        return;
      case "canceled":
        this.#leaving--;
        return;
      case "settled":
        this.settledThreads = message.threads;
        return;
      case "state-written":
        if (this.load.stateDir !== undefined) pruneStates(dirname(this.load.stateDir), this.load.stateDirBytes);
        return;
      case "memory":
        this.memory = message;
        return;
      case "step":
        for (const delta of message.deltas) this.#deliver(delta.id, { type: "delta", delta });
        return;
      case "started":
        return this.#deliver(message.id, message);
      case "done":
        this.#deliver(message.id, message);
        return this.#end(message.id);
      case "failed":
        return this.#failed(message);
      case "tokens":
      case "text":
      case "embeddings":
      case "measured":
        return this.#reply(message);
      default:
        return message satisfies never;
    }
  }

  #deliver(id: number, event: RunnerEvent): void {
    const waiting = this.#waiting.get(id);
    if (waiting?.kind !== "generate") return;
    // A client that reads slowly must not make this queue grow: text not yet taken is joined.
    const last = waiting.queue.last;
    if (event.type === "delta" && last?.type === "delta") {
      const logprobs = [...(last.delta.logprobs ?? []), ...(event.delta.logprobs ?? [])];
      const text = last.delta.text + event.delta.text;
      waiting.queue.replaceLast({ type: "delta", delta: { id, text, ...(logprobs.length > 0 ? { logprobs } : {}) } });
      return;
    }
    waiting.queue.push(event);
  }

  #end(id: number): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiting?.kind === "generate") waiting.queue.end();
  }

  #reply(message: Extract<FromRunner, { id: number }>): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (waiting?.kind === "reply") waiting.resolve(message);
  }

  #failed(message: Extract<FromRunner, { type: "failed" }>): void {
    const waiting = this.#waiting.get(message.id);
    const error =
      message.overflowTokens === undefined
        ? new AppError(message.fault, message.message)
        : new PromptOverflow(message.message, message.overflowTokens);
    this.#waiting.delete(message.id);
    if (waiting?.kind === "generate") waiting.queue.fail(error);
    if (waiting?.kind === "reply") waiting.reject(error);
  }

  /** What llama.cpp says names files of this computer, which are nobody else's business. */
  #withReason(message: string): string {
    return this.#stderr.withReason(message).replaceAll(dirname(this.load.modelPath), "…");
  }

  #exited(): void {
    this.#watchdog[Symbol.dispose]();
    // Ollama's words (server/sched.go, llm/server.go), which clients match on.
    const stopped = "model runner has unexpectedly stopped";
    const died = "this may be due to resource limitations or an internal error, check ollama server logs for details";
    const { verdict } = this.#watchdog;
    this.#closed = new AppError(
      "internal",
      `${stopped}, ${verdict === undefined ? died : `${verdict}; ask again to load the model anew`}`,
    );
    if (verdict !== undefined)
      logWarn("a runner hung and was ended", { pid: this.#child.pid, model: this.load.modelPath, verdict });
    const whileLoading = this.#withReason("the model runner ended while loading the model");
    this.#ready.reject(verdict === undefined ? new AppError("internal", whileLoading) : this.#closed);
    for (const waiting of this.#waiting.values()) {
      if (waiting.kind === "generate") waiting.queue.fail(this.#closed);
      else waiting.reject(this.#closed);
    }
    this.#waiting.clear();
    this.onExit?.();
  }
}
