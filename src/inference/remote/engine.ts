// One engine at one address: what it is (asked once, and again when it has been quiet for a while), how it is, and the ways
// to ask it.

import { AppError } from "../../base/errors.ts";
import type { Candidate } from "./failover.ts";
import { type EngineFacts, findFacts } from "./engine-facts.ts";
import { EngineFailure, type Place } from "./failure.ts";
import { type Access, type AnswerStream, askJson, askStream, type Limits } from "./transport.ts";

/** After this much silence it is asked again before it is given work: so a dead one is found within the connect limit. */
const QUIET_MS = 15_000;
/** An engine may be restarted with another model while it is busy. */
const FACTS_KEPT_MS = 5 * 60_000;

export class Engine implements Candidate {
  #facts: EngineFacts | undefined;
  #factsMs = Number.NEGATIVE_INFINITY;
  #heardMs = Number.NEGATIVE_INFINITY;
  #asking: Promise<EngineFacts> | undefined;
  #failure: { readonly message: string; readonly atMs: number } | undefined;

  constructor(
    readonly place: Place,
    readonly access: Access,
    private readonly limits: Limits,
  ) {}

  get failedMs(): number | undefined {
    return this.#failure?.atMs;
  }

  /** Why it could not be reached when it was last asked. */
  get failure(): string | undefined {
    return this.#failure?.message;
  }

  get knownFacts(): EngineFacts | undefined {
    return this.#facts;
  }

  /** Many callers share one asking; it ends by the connect limit, not when one of them leaves. */
  async facts(signal: AbortSignal): Promise<EngineFacts> {
    signal.throwIfAborted();
    const nowMs = performance.now();
    const isFresh = nowMs - this.#heardMs < QUIET_MS && nowMs - this.#factsMs < FACTS_KEPT_MS;
    if (this.#facts !== undefined && isFresh && this.#failure === undefined) return this.#facts;
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    return await untilAborted(this.#asking, signal);
  }

  async #ask(): Promise<EngineFacts> {
    const { place, access, limits } = this;
    const signal = new AbortController().signal;
    const facts = await this.#watched(() => findFacts({ place, access, limitMs: limits.connectMs, signal }));
    this.#facts = facts;
    this.#factsMs = performance.now();
    return facts;
  }

  json(url: string, body: unknown, signal: AbortSignal): Promise<unknown> {
    const silence = { what: "did not answer", limitMs: this.limits.firstMs, setting: "OLLAMA_REMOTE_FIRST_TIMEOUT" };
    const call = { url, body, accept: "application/json", serves: this.#facts?.serves ?? [] };
    return this.#watched(() => askJson(this.place, this.access, call, silence, signal));
  }

  async *stream<T>(
    url: string,
    body: unknown,
    signal: AbortSignal,
    use: (stream: AnswerStream) => AsyncIterable<T>,
  ): AsyncGenerator<T, void, undefined> {
    const accept = "text/event-stream, application/x-ndjson, application/json";
    const call = { url, body, accept, serves: this.#facts?.serves ?? [] };
    try {
      for await (const item of askStream(this.place, this.access, call, this.limits, signal, use)) {
        this.#heard();
        yield item;
      }
    } catch (error) {
      throw this.#noted(error);
    }
  }

  async #watched<T>(act: () => Promise<T>): Promise<T> {
    try {
      const result = await act();
      this.#heard();
      return result;
    } catch (error) {
      throw this.#noted(error);
    }
  }

  #heard(): void {
    this.#heardMs = performance.now();
    this.#failure = undefined;
  }

  #noted(error: unknown): unknown {
    if (error instanceof EngineFailure && error.again !== "never")
      this.#failure = { message: error.message, atMs: performance.now() };
    return error;
  }
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const leave = () => reject(new AppError("canceled", "canceled"));
    signal.addEventListener("abort", leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}
