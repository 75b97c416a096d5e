// The decode loop's body: requests join and leave the running batch at every step. One call of `step` admits what can be
// admitted, builds one batch over all sequences, evaluates it, samples, and returns what to tell the server.

import { AppError, toAppError } from "../../base/errors.ts";
import { Batch } from "../llama/batch.ts";
import type { LlamaSymbols } from "../llama/library.ts";
import type { Model } from "../llama/model.ts";
import type { Delta, FromRunner, GenerateRequest } from "../protocol.ts";
import { sharePrompts, sliceFor } from "./feed.ts";
import { type DoneReason, Generation } from "./generation.ts";
import { growPlan, type PlanLimits } from "./plan.ts";
import type { Sequence, Sequences } from "./sequences.ts";
import { chooseSlot, shouldWaitForPrefix } from "./slots.ts";

interface Running {
  readonly generation: Generation;
  readonly sequence: Sequence;
}

/** A row of the batch whose logits will be sampled. */
interface Output {
  readonly running: Running;
  readonly index: number;
}

export class Engine {
  readonly #queue: Generation[] = [];
  #running: Running[] = [];
  readonly #batch: Batch;
  #arrivals = 0;
  #stepMs = 0;
  #promptTokenMs = 0;
  readonly measures = { steps: 0, stepMs: 0, promptTokens: 0, generatedTokens: 0 };

  constructor(
    private readonly llama: LlamaSymbols,
    private readonly model: Model,
    private readonly sequences: Sequences,
    private readonly limits: PlanLimits,
    private readonly batchSize: number,
    private readonly emit: (message: FromRunner) => void,
  ) {
    this.#batch = new Batch(batchSize);
  }

  get idle(): boolean {
    return this.#queue.length === 0 && this.#running.length === 0;
  }

  /** Tokenizes and queues a request. A prompt that does not fit is refused with its token count, or cut in the middle. */
  submit(request: GenerateRequest): void {
    try {
      const tokens = this.#promptTokens(request);
      const limit = Math.min(request.contextLimit, this.limits.maxContext);
      let prompt = tokens;
      if (tokens.length >= limit) {
        if (!request.cutPrompt) return this.#overflow(request, tokens.length);
        prompt = cutMiddle(tokens, request.numKeep, limit);
      }
      const seed = request.sampling.seed < 0 ? Math.floor(Math.random() * 0xffffffff) : request.sampling.seed;
      const cut = tokens.length - prompt.length;
      const bounded = { ...request, contextLimit: limit };
      this.#queue.push(new Generation(this.llama, this.model, bounded, prompt, cut, this.#arrivals++, seed));
    } catch (error) {
      this.#fail(request.id, error);
    }
  }

  /** Forgets a request at once; what it had computed stays as a prefix for others. */
  cancel(id: number): void {
    const queued = this.#queue.findIndex((generation) => generation.id === id);
    if (queued >= 0) this.#queue.splice(queued, 1)[0]?.[Symbol.dispose]();
    const running = this.#running.find(({ generation }) => generation.id === id);
    if (running !== undefined) this.#leave(running);
  }

  step(): void {
    this.#admit();
    const outputs = this.#compose();
    if (this.#batch.length === 0) return;
    const startedMs = performance.now();
    const code = this.sequences.context.decode(this.#batch);
    if (code !== 0) return this.#batchFailed(code);
    const deltas = this.#sampleAll(outputs);
    if (deltas.length > 0) this.emit({ type: "step", deltas });
    this.#measure(performance.now() - startedMs, this.#batch.length - outputs.length, outputs.length);
  }

  #promptTokens(request: GenerateRequest): number[] {
    const { contextTokens, prompt, addSpecial } = request;
    for (const token of contextTokens) {
      if (!Number.isInteger(token) || token < 0 || token >= this.model.vocabSize) {
        throw new AppError("invalid", `context holds ${token}, which is no token of this model`);
      }
    }
    const fresh = this.model.tokenize(prompt, {
      addSpecial: addSpecial && contextTokens.length === 0,
      parseSpecial: true,
    });
    const tokens = [...contextTokens, ...fresh];
    if (tokens.length === 0) tokens.push(Math.max(0, this.model.bosToken));
    return tokens;
  }

  #overflow(request: GenerateRequest, tokens: number): void {
    const message = "the prompt is longer than the context length currently available to the model";
    this.emit({ type: "failed", id: request.id, fault: "invalid", message, overflowTokens: tokens });
  }

  #admit(): void {
    while (this.#queue.length > 0) {
      const views = this.sequences.all;
      const computing = this.#running.filter(({ generation }) => generation.inPrompt);
      const prompts = computing.map(({ generation }) => generation.prompt);
      const next = this.#queue.findIndex(
        ({ prompt }) => !shouldWaitForPrefix(views, prompts, prompt, this.sequences.rules),
      );
      const generation = this.#queue[next];
      if (generation === undefined) return;
      if (!this.#makeRoom(generation)) return;
      const choice = chooseSlot(this.sequences.all, generation.prompt, this.sequences.rules);
      if (choice === undefined) return;
      this.#queue.splice(next, 1);
      const { sequence, reused } = this.sequences.take(choice);
      generation.fed = reused;
      generation.reused = reused;
      this.#running.push({ generation, sequence });
      this.emit({
        type: "started",
        id: generation.id,
        promptTokens: generation.prompt.length + generation.cut,
        cutTokens: generation.cut,
        reusedTokens: reused,
      });
      this.#running.sort((a, b) => a.sequence.sequence - b.sequence.sequence);
    }
  }

  /** Grows the context when this request, or the number that wait, needs more than there is. */
  #makeRoom(generation: Generation): boolean {
    const waiting = Math.min(this.#running.length + this.#queue.length, this.limits.maxSequences);
    const tokens = Math.max(
      generation.tokensWanted,
      ...this.#running.map((running) => running.generation.tokensWanted),
    );
    const plan = growPlan(this.sequences.plan, { sequences: waiting, tokens }, this.#running.length, this.limits);
    if (plan !== undefined) this.#grow(plan);
    return generation.prompt.length < this.sequences.capacity;
  }

  #grow(plan: { sequences: number; contextPerSequence: number }): boolean {
    const grew = this.sequences.grow(plan);
    this.#running.sort((a, b) => a.sequence.sequence - b.sequence.sequence);
    const { contextPerSequence, sequences } = this.sequences.plan;
    const cacheBytes = contextPerSequence * sequences * this.limits.bytesPerToken;
    this.emit({ type: "memory", cacheBytes, contextPerSequence, sequences });
    return grew;
  }

  /** Fills the batch in sequence order: llama.cpp joins only consecutive sequences into one micro-batch. */
  #compose(): Output[] {
    this.#batch.clear();
    const answering = this.#running.filter((running) => !running.generation.inPrompt && this.#hasRoom(running));
    const prompts = this.#running.filter(({ generation }) => generation.inPrompt);
    const views = prompts.map(({ generation }) => ({
      id: generation.id,
      remaining: generation.prompt.length - generation.fed,
      arrival: generation.arrival,
    }));
    const slice = sliceFor(this.#stepMs, this.#promptTokenMs, this.batchSize);
    const shares = new Map(
      sharePrompts(views, answering.length, { batch: this.batchSize, slice }).map(({ id, tokens }) => [id, tokens]),
    );
    const outputs: Output[] = [];
    for (const running of [...this.#running]) {
      const { generation, sequence } = running;
      if (generation.inPrompt) {
        const output = this.#addPrompt(running, shares.get(generation.id) ?? 0);
        if (output !== undefined) outputs.push(output);
      } else if (answering.includes(running)) {
        const token = generation.output.at(-1) ?? 0;
        const index = this.#batch.add(token, sequence.tokens.length, sequence.sequence, true);
        sequence.tokens.push(token);
        outputs.push({ running, index });
      }
    }
    return outputs;
  }

  #addPrompt(running: Running, count: number): Output | undefined {
    const { generation, sequence } = running;
    let output: Output | undefined;
    for (let i = 0; i < count; i++) {
      const token = generation.prompt[generation.fed] ?? 0;
      const last = generation.fed === generation.prompt.length - 1;
      const index = this.#batch.add(token, sequence.tokens.length, sequence.sequence, last);
      sequence.tokens.push(token);
      generation.fed++;
      if (last) output = { running, index };
    }
    return output;
  }

  /** Makes sure one more token fits: by growing, else by shifting, else the answer ends here. */
  #hasRoom(running: Running): boolean {
    const { generation, sequence } = running;
    const limit = generation.request.contextLimit;
    const length = sequence.tokens.length;
    if (length < Math.min(limit, this.sequences.capacity)) return true;
    if (length < limit) {
      const demand = { sequences: this.#running.length, tokens: Math.min(length * 2, limit) };
      const plan = growPlan(this.sequences.plan, demand, this.#running.length, this.limits);
      if (plan !== undefined && this.#grow(plan)) return true;
    }
    const keep = Math.min(generation.request.numKeep, length - 2);
    const dropped = generation.request.shift ? this.sequences.shift(sequence, Math.max(0, keep)) : 0;
    if (dropped > 0) {
      generation.shifted += dropped;
      return true;
    }
    this.#finish(running, "length");
    return false;
  }

  #sampleAll(outputs: readonly Output[]): Delta[] {
    const deltas: Delta[] = [];
    const ended: { running: Running; reason: DoneReason }[] = [];
    for (const { running, index } of outputs) {
      try {
        const reason = running.generation.sample(this.sequences.context, index);
        if (reason !== undefined) ended.push({ running, reason });
        const delta = reason === undefined ? running.generation.takeDelta() : undefined;
        if (delta !== undefined) deltas.push(delta);
      } catch (error) {
        this.#leave(running);
        this.sequences.empty(running.sequence);
        this.#fail(running.generation.id, error);
      }
    }
    for (const { running, reason } of ended) this.#finish(running, reason);
    return deltas;
  }

  #finish(running: Running, reason: DoneReason): void {
    const { delta, done } = running.generation.finish(reason);
    this.#leave(running);
    if (delta !== undefined) this.emit({ type: "step", deltas: [delta] });
    this.emit(done);
  }

  #leave(running: Running): void {
    this.#running = this.#running.filter((other) => other !== running);
    this.sequences.release(running.sequence);
    running.generation[Symbol.dispose]();
  }

  /** A batch that could not be evaluated leaves memory in doubt: its requests fail, their sequences are emptied. */
  #batchFailed(code: number): void {
    const why = code === 1 ? "no room in the context for this batch" : `llama_decode failed with code ${code}`;
    for (const running of this.#running) {
      this.#leave(running);
      this.sequences.empty(running.sequence);
      this.#fail(running.generation.id, new AppError("internal", why));
    }
  }

  #fail(id: number, error: unknown): void {
    const { fault, message } = toAppError(error);
    this.emit({ type: "failed", id, fault, message });
  }

  #measure(ms: number, promptTokens: number, outputs: number): void {
    this.measures.steps++;
    this.measures.stepMs += ms;
    this.measures.promptTokens += promptTokens;
    this.measures.generatedTokens += outputs;
    const blend = (old: number, value: number) => (old === 0 ? value : old * 0.9 + value * 0.1);
    if (promptTokens === 0) this.#stepMs = blend(this.#stepMs, ms);
    else if (promptTokens >= 16) this.#promptTokenMs = blend(this.#promptTokenMs, ms / promptTokens);
  }
}

/** Keeps the first `keep` tokens and the end, as Ollama's runner does; leaves one place for the answer. */
function cutMiddle(tokens: readonly number[], keep: number, limit: number): number[] {
  const room = limit - 1;
  const head = Math.max(0, Math.min(keep < 0 ? tokens.length : keep, room - 1));
  return [...tokens.slice(0, head), ...tokens.slice(tokens.length - (room - head))];
}
