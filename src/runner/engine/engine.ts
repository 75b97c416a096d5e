// The decode loop's body: requests join and leave the running batch at every step. One call of `step` admits what can be
// admitted, builds one batch over all sequences, evaluates it, samples, and returns what to tell the server.

import { AppError, toAppError } from "../../base/errors.ts";
import { Batch } from "../llama/batch.ts";
import type { Model } from "../llama/model.ts";
import type { Delta, FromRunner, GenerateRequest } from "../protocol.ts";
import type { Admission } from "./admission.ts";
import { fitPrompt, keptTokens } from "./fit-prompt.ts";
import { sharePrompts, sliceFor } from "./feed.ts";
import { type DoneReason, Generation } from "./generation.ts";
import type { DraftModel } from "./draft-model.ts";
import { Drafter } from "./drafter.ts";
import { type Draft, NO_DRAFT, type Output, type Running } from "./running.ts";
import type { Sequences } from "./sequences.ts";
import { InvalidNumbers } from "./sampler.ts";
import { StepCosts } from "./step-costs.ts";
import { PromptTokens } from "./prompt-tokens.ts";
import type { Pulse } from "./pulse.ts";
import type { ThreadGovernor } from "./thread-governor.ts";

/** Tokens that a shift has to choose from, whatever num_keep says. */
const LEAST_SHIFTED = 3;

export interface EngineParts {
  readonly model: Model;
  readonly sequences: Sequences;
  readonly draftModel: DraftModel | undefined;
  readonly admission: Admission;
  readonly governor: ThreadGovernor;
  readonly pulse: Pulse;
  /** Most tokens of a batch. */
  readonly batchSize: number;
  /** Most tokens one sequence may hold. */
  readonly maxContext: number;
  readonly emit: (message: FromRunner) => void;
}

export class Engine {
  readonly #running: Running[] = [];
  readonly #batch: Batch;
  readonly #costs = new StepCosts();
  readonly #promptTokens: PromptTokens;
  readonly #drafter: Drafter;
  #arrivals = 0;
  readonly measures = { steps: 0, stepMs: 0, promptTokens: 0, generatedTokens: 0 };

  constructor(private readonly parts: EngineParts) {
    const { batchSize, sequences, draftModel } = parts;
    this.#batch = new Batch(batchSize);
    this.#promptTokens = new PromptTokens(parts.model);
    this.#drafter = new Drafter({ batchSize, sequences, costs: this.#costs }, draftModel);
  }

  get idle(): boolean {
    return this.parts.admission.length === 0 && this.#running.length === 0;
  }

  /** Writes one idle conversation to disk; false when none is left. Called when there is nothing else to do. */
  rest(): boolean {
    const { sequences, governor, emit } = this.parts;
    if (sequences.persistOne()) return true;
    if (governor.hasLooked) emit({ type: "settled", threads: governor.settled });
    return false;
  }

  /** Called after a long rest. */
  giveBack(): void {
    if (!this.parts.admission.shrink()) return;
    this.#drafter.release();
    Bun.gc(true); // the states that moved are garbage, and nothing else would collect it while nobody asks
  }

  /** Tokenizes and queues a request. A prompt that does not fit is refused with its token count, or cut in the middle. */
  submit(request: GenerateRequest): void {
    try {
      const { model, admission, maxContext, emit } = this.parts;
      const tokens = this.#promptTokens.of(request);
      const contextLimit = Math.min(request.contextLimit, maxContext);
      const tooLong = tokens.length >= contextLimit;
      if (tooLong && !request.cutPrompt) {
        const message = "the prompt is longer than the context length currently available to the model";
        return emit({ type: "failed", id: request.id, fault: "invalid", message, overflowTokens: tokens.length });
      }
      const kept = keptTokens(request.numKeep, tokens.length, model.addsBos);
      const prompt = tooLong ? fitPrompt(tokens, kept, contextLimit) : tokens;
      const cut = tokens.length - prompt.length;
      admission.push(new Generation(model, { ...request, contextLimit }, prompt, cut, this.#arrivals++));
    } catch (error) {
      this.#fail(request.id, error);
    }
  }

  /** Forgets a request at once; what it had computed stays as a prefix for others. */
  cancel(id: number): void {
    this.parts.admission.remove(id);
    const running = this.#running.find(({ generation }) => generation.id === id);
    if (running !== undefined) this.#leave(running);
  }

  step(): void {
    const { sequences, admission, governor, pulse, emit } = this.parts;
    admission.admit(this.#running);
    admission.closeGap(this.#running, this.#costs.stepMs);
    const outputs = this.#compose();
    if (this.#batch.length === 0) return;
    const startedMs = performance.now();
    sequences.setThreads(governor.threads);
    this.#drafter.setThreads(governor.threads);
    pulse.announce(this.#batch.length, this.#costs.promptTokenMs);
    const code = sequences.context.decode(this.#batch);
    if (code !== 0) return this.#batchFailed(code);
    const decodeMs = performance.now() - startedMs;
    const deltas = this.#sampleAll(outputs);
    if (deltas.length > 0) emit({ type: "step", deltas });
    pulse.beat(performance.now());
    this.#measure(decodeMs, performance.now() - startedMs, outputs);
  }

  #compose(): Output[] {
    this.#batch.clear();
    const { batchSize } = this.parts;
    // Making room may end an answer, reorder all of them, or send one back to its prompt.
    for (const running of [...this.#running]) if (!running.generation.inPrompt) this.#makeRoom(running);
    const prompts = this.#running.filter(({ generation }) => generation.inPrompt);
    const answering = new Set(this.#running.filter(({ generation }) => !generation.inPrompt));
    const views = prompts.map(({ generation }) => ({
      id: generation.id,
      remaining: generation.feed.length - generation.fed,
      arrival: generation.arrival,
    }));
    const slice = sliceFor(this.#costs, { prompts: prompts.length, answers: answering.size }, batchSize);
    const shares = new Map(
      sharePrompts(views, answering.size, { batch: batchSize, slice }).map(({ id, tokens }) => [id, tokens]),
    );
    const drafts = prompts.length > 0 ? undefined : this.#drafter.drafts([...answering]);
    const outputs: Output[] = [];
    for (const running of this.#running) {
      if (answering.has(running)) outputs.push(this.#addAnswer(running, drafts?.get(running) ?? NO_DRAFT));
      const share = shares.get(running.generation.id) ?? 0;
      const output = share > 0 ? this.#addPrompt(running, share) : undefined;
      if (output !== undefined) outputs.push(output);
    }
    return outputs;
  }

  /** The last token drawn, and what probably follows it. */
  #addAnswer(running: Running, draft: Draft): Output {
    const index = this.#addToken(running, running.generation.output.at(-1) ?? 0, true);
    for (const drafted of draft.tokens) this.#addToken(running, drafted, true);
    return { running, index, draft };
  }

  #addToken({ sequence }: Running, token: number, output: boolean): number {
    const index = this.#batch.add(token, sequence.tokens.length, sequence.sequence, output);
    sequence.tokens.push(token);
    return index;
  }

  #addPrompt(running: Running, count: number): Output | undefined {
    const { generation } = running;
    let index: number | undefined;
    for (let i = 0; i < count; i++) {
      const last = generation.fed === generation.feed.length - 1;
      const at = this.#addToken(running, generation.feed[generation.fed] ?? 0, last);
      generation.fed++;
      if (last) index = at;
    }
    return index === undefined ? undefined : { running, index, draft: NO_DRAFT };
  }

  /** Makes sure one more token fits: by growing, else by shifting, else the answer ends here. */
  #makeRoom(running: Running): void {
    const { model, sequences, admission } = this.parts;
    const { generation, sequence } = running;
    const limit = generation.request.contextLimit;
    const length = sequence.tokens.length;
    // The token drawn last counts, though it is yet to be evaluated: an answer ends, or shifts, when the text is full.
    if (length < Math.min(limit - 1, sequences.capacity)) return;
    const demand = { sequences: this.#running.length, tokens: Math.min(length * 2, limit) };
    if (length < limit - 1 && admission.grow(demand, this.#running)) return;
    const kept = keptTokens(generation.request.numKeep, generation.prompt.length, model.addsBos);
    const keep = Math.max(0, Math.min(kept, length - LEAST_SHIFTED));
    const dropped = generation.request.shift ? sequences.shift(sequence, keep) : 0;
    generation.shifted += dropped;
    if (dropped === 0) this.#finish(running, "length");
  }

  #sampleAll(outputs: readonly Output[]): Delta[] {
    const deltas: Delta[] = [];
    let damaged = false;
    for (const output of outputs) {
      const { generation } = output.running;
      try {
        const reason = this.#sample(output);
        if (reason !== undefined) this.#finish(output.running, reason);
        else {
          const delta = generation.takeDelta();
          if (delta !== undefined) deltas.push(delta);
        }
      } catch (error) {
        this.#leave(output.running);
        this.parts.sequences.empty(output.running.sequence);
        this.#fail(generation.id, error);
        damaged ||= error instanceof InvalidNumbers;
      }
    }
    if (damaged) this.parts.admission.renew(this.#running);
    return deltas;
  }

  /** Draws the next token, and goes on through the draft while the draws agree with it; what is left of it is cut off. */
  #sample({ running, index, draft }: Output): DoneReason | undefined {
    const { generation, sequence } = running;
    const { sequences } = this.parts;
    const { tokens, pacing } = draft;
    const verified = sequence.tokens.length - tokens.length;
    let accepted = 0;
    let reason: DoneReason | undefined;
    for (let i = 0; i <= tokens.length; i++) {
      const drawn = generation.draw(sequences.context, index + i);
      reason = generation.take(drawn);
      if (reason !== undefined || i === tokens.length || drawn.token !== tokens[i]) break;
      accepted++;
    }
    if (tokens.length > 0) {
      generation.countDraft(tokens.length, accepted);
      pacing?.record(tokens.length, accepted);
      sequences.cut(sequence, verified + accepted);
    }
    return reason;
  }

  #finish(running: Running, reason: DoneReason): void {
    const { delta, done } = running.generation.finish(reason);
    this.#leave(running);
    if (delta !== undefined) this.parts.emit({ type: "step", deltas: [delta] });
    this.parts.emit(done);
  }

  #leave(running: Running): void {
    const at = this.#running.indexOf(running);
    if (at < 0) return;
    this.#running.splice(at, 1);
    this.parts.sequences.release(running.sequence);
  }

  /** A batch that could not be evaluated leaves memory in doubt: its requests fail, their sequences are emptied. */
  #batchFailed(code: number): void {
    const why = code === 1 ? "no room in the context for this batch" : `llama_decode failed with code ${code}`;
    for (const running of [...this.#running]) {
      this.#leave(running);
      this.parts.sequences.empty(running.sequence);
      this.#fail(running.generation.id, new AppError("internal", why));
    }
  }

  #fail(id: number, error: unknown): void {
    const { fault, message } = toAppError(error);
    this.parts.emit({ type: "failed", id, fault, message });
  }

  #measure(decodeMs: number, stepMs: number, outputs: readonly Output[]): void {
    const drafted = outputs.reduce((sum, { draft }) => sum + draft.tokens.length, 0);
    const tokens = this.#batch.length;
    const promptTokens = tokens - drafted - outputs.length;
    this.measures.steps++;
    this.measures.stepMs += stepMs;
    this.measures.promptTokens += promptTokens;
    this.measures.generatedTokens += outputs.length;
    this.#costs.record({ ms: decodeMs, tokens, answers: outputs.length, promptTokens, drafted });
    if (promptTokens === 0) {
      this.parts.governor.record({
        threads: this.parts.governor.threads,
        tokens,
        ms: decodeMs,
        nowMs: performance.now(),
      });
    }
  }
}
