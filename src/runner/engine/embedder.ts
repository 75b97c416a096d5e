// Embeddings in batches: inputs of all waiting requests are packed into one evaluation after another, each input its own
// sequence. Its context is made when the first request comes, so a model that only generates never pays for it.

import { AppError, toAppError } from "../../base/errors.ts";
import { Batch } from "../llama/batch.ts";
import { Context } from "../llama/context.ts";
import type { LlamaSymbols } from "../llama/library.ts";
import type { Model } from "../llama/model.ts";
import type { Threadpool } from "../llama/threadpool.ts";
import type { EmbedRequest, FromRunner } from "../protocol.ts";
import type { Pulse } from "./pulse.ts";
import { rankTokens } from "./rank-tokens.ts";
import type { FixedParams } from "./sequences.ts";

const SEQUENCES = 32;
const LEAST_BATCH = 2048;
/** Pooling types of llama.h. */
const POOLING_UNSPECIFIED = -1;
const POOLING_MEAN = 1;

interface Job {
  readonly id: number;
  readonly inputs: readonly (readonly number[])[];
  readonly vectors: number[][];
}

export class Embedder implements Disposable {
  readonly #jobs: Job[] = [];
  #context: Context | undefined;
  #batch: Batch | undefined;
  #tokenMs = 0;

  constructor(
    private readonly llama: LlamaSymbols,
    private readonly model: Model,
    private readonly fixed: Omit<FixedParams, "embeddings" | "unified" | "batch" | "microBatch">,
    private readonly threadpool: Threadpool | undefined,
    private readonly options: {
      readonly maxContext: number;
      readonly isEmbeddingModel: boolean;
      readonly ranks: boolean;
      readonly prepare: (context: Context) => void;
      readonly pulse: Pulse;
    },
    private readonly emit: (message: FromRunner) => void,
  ) {}

  get idle(): boolean {
    return this.#jobs.length === 0;
  }

  submit(request: EmbedRequest): void {
    try {
      const limit = Math.min(request.contextLimit, this.options.maxContext);
      const { query } = request;
      // A head that ranks gives one number where a vector would be read.
      if ((query !== undefined) !== this.options.ranks) {
        throw new AppError(
          "invalid",
          query === undefined
            ? "this model ranks documents and gives no embeddings"
            : "this model cannot rank documents",
        );
      }
      const inputs = request.inputs.map((text) => {
        // Counting many texts is work too, and nothing else is said meanwhile.
        this.options.pulse.beat(performance.now());
        if (query !== undefined) return rankTokens(this.model, query, text, limit);
        return this.#tokens(text, limit, request.truncate);
      });
      this.#jobs.push({ id: request.id, inputs, vectors: [] });
    } catch (error) {
      this.#fail(request.id, error);
    }
  }

  cancel(id: number): void {
    const at = this.#jobs.findIndex((job) => job.id === id);
    if (at >= 0) this.#jobs.splice(at, 1);
  }

  /** Evaluates one batch, of one input or of `mostTokens`, and answers the requests that are complete. */
  step(mostTokens = Number.POSITIVE_INFINITY): void {
    if (this.idle) return;
    try {
      this.#evaluate(mostTokens);
    } catch (error) {
      for (const { id } of this.#jobs.splice(0)) this.#fail(id, error);
    }
    for (const job of [...this.#jobs]) {
      if (job.vectors.length < job.inputs.length) continue;
      this.#jobs.splice(this.#jobs.indexOf(job), 1);
      this.emit({
        type: "embeddings",
        id: job.id,
        vectors: job.vectors,
        tokenCounts: job.inputs.map(({ length }) => length),
      });
    }
  }

  [Symbol.dispose](): void {
    this.#context?.[Symbol.dispose]();
    this.#context = undefined;
  }

  /** Tokens of one input; one that is too long is cut (its closing token stays) or refused in Ollama's words. */
  #tokens(text: string, limit: number, truncate: boolean): number[] {
    const tokens = Array.from(this.model.tokenize(text, { addSpecial: true, parseSpecial: false }));
    // A vocabulary without opening and closing tokens leaves nothing of an empty text; the batch it shares with others would fail.
    if (tokens.length === 0) throw new AppError("invalid", "the input is empty, and this model embeds no empty text");
    if (tokens.length <= limit) return tokens;
    if (!truncate) throw new AppError("invalid", "the input length exceeds the context length");
    const last = tokens.at(-1) ?? 0;
    const closes = last === this.model.sepToken || last === this.model.eosToken;
    const openers = this.model.addsBos ? 1 : 0;
    if (limit <= openers + (closes ? 1 : 0)) {
      throw new AppError("invalid", "input after truncation exceeds maximum context length");
    }
    return closes ? [...tokens.slice(0, limit - 1), last] : tokens.slice(0, limit);
  }

  #evaluate(mostTokens: number): void {
    const { context, batch } = this.#roomFor(this.#jobs[0]?.inputs[this.#jobs[0].vectors.length]?.length ?? 0);
    batch.clear();
    const rows: { job: Job; sequence: number }[] = [];
    for (const job of this.#jobs) {
      for (const tokens of job.inputs.slice(job.vectors.length)) {
        const most = rows.length === 0 ? batch.capacity : Math.min(batch.capacity, mostTokens);
        if (rows.length === SEQUENCES || batch.length + tokens.length > most) break;
        for (const [position, token] of tokens.entries()) batch.add(token, position, rows.length, true);
        rows.push({ job, sequence: rows.length });
      }
      if (rows.length === SEQUENCES) break;
    }
    context.clear();
    if (batch.length > 0) this.#compute(context, batch);
    for (const { job, sequence } of rows) job.vectors.push(this.#vector(context, sequence));
  }

  #compute(context: Context, batch: Batch): void {
    const { pulse } = this.options;
    const startedMs = performance.now();
    pulse.announce(batch.length, this.#tokenMs);
    const code = context.hasMemory ? context.decode(batch) : context.encode(batch);
    if (code !== 0) throw new AppError("internal", `the embedding could not be computed (code ${code})`);
    const nowMs = performance.now();
    this.#tokenMs = (nowMs - startedMs) / batch.length;
    pulse.beat(nowMs);
  }

  #vector(context: Context, sequence: number): number[] {
    const vector = this.options.ranks
      ? context.embeddingOfSequence(sequence, Math.max(1, this.model.classCount))
      : context.embeddingOfSequence(sequence);
    if (vector === undefined) throw new AppError("internal", "the model gave no embedding");
    const values = Array.from(vector);
    if (!values.every(Number.isFinite)) throw new AppError("invalid", "the embedding contains NaN or Inf values");
    return values;
  }

  /**
   * A context for inputs of this many tokens, made anew when one is longer than any before: its buffers grow with the square of
   * the longest. Attention that looks both ways needs a whole input in one micro-batch; one cache serves all sequences.
   */
  #roomFor(tokens: number): { context: Context; batch: Batch } {
    if (this.#context !== undefined && this.#batch !== undefined && tokens <= this.#batch.capacity)
      return { context: this.#context, batch: this.#batch };
    this[Symbol.dispose]();
    let size = LEAST_BATCH;
    while (size < tokens) size *= 2;
    const batch = new Batch(size);
    const context = Context.create(this.llama, this.model, {
      ...this.fixed,
      contextPerSequence: Math.ceil(size / SEQUENCES),
      sequences: SEQUENCES,
      batch: size,
      microBatch: size,
      unified: true,
      embeddings: true,
      pooling: this.options.isEmbeddingModel ? POOLING_UNSPECIFIED : POOLING_MEAN,
      outputs: 0,
    });
    this.#context = context;
    this.#batch = batch;
    if (this.threadpool !== undefined) context.attachThreadpool(this.threadpool.pointer);
    this.options.prepare(context);
    return { context, batch };
  }

  #fail(id: number, error: unknown): void {
    const { fault, message } = toAppError(error);
    this.emit({ type: "failed", id, fault, message });
  }
}
