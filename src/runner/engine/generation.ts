// One request inside the engine: its prompt, its sampler, its text so far, and the numbers the reply reports.

import { AppError } from "../../base/errors.ts";
import type { Context } from "../llama/context.ts";
import type { Model } from "../llama/model.ts";
import type { Delta, GenerateDone, GenerateRequest, TokenLogprob } from "../protocol.ts";
import { AnswerConstraint } from "./answer-constraint.ts";
import { describeLogprob, type LogprobSnapshot, snapshotLogprobs } from "./logprobs.ts";
import { DraftPacing } from "./lookup-draft.ts";
import { OutputText } from "./output-text.ts";
import { Penalties } from "./penalties.ts";
import { Sampler } from "./sampler.ts";

export type DoneReason = "stop" | "length";

export class Generation {
  readonly output: number[] = [];
  readonly text: OutputText;
  readonly penalties: Penalties;
  /** Guesses from the text itself, where little and where much speaks for them, and from a draft model. */
  readonly lookupPacing = new DraftPacing(0.35, 3);
  readonly copyPacing = new DraftPacing(0.85, 8);
  readonly modelPacing = new DraftPacing(0.6, 3);
  readonly #sampler: Sampler;
  readonly #constraint: AnswerConstraint | undefined;
  readonly #startedMs = performance.now();
  #promptDoneMs = 0;
  #deltaText = "";
  /** Everything that was shown. */
  #shown = "";
  #deltaLogprobs: TokenLogprob[] = [];
  /** Of tokens whose text is held back, because it may be the beginning of a stop word. */
  #heldLogprobs: TokenLogprob[] = [];
  /** What must be computed before a token can be drawn: the prompt, or after a lost state everything so far. */
  feed: readonly number[];
  /** How many of these the sequence holds. */
  fed = 0;
  reused = 0;
  shifted = 0;
  drafted = 0;
  accepted = 0;

  constructor(
    private readonly model: Model,
    readonly request: GenerateRequest,
    readonly prompt: readonly number[],
    readonly cut: number,
    readonly arrival: number,
  ) {
    this.feed = prompt;
    this.text = new OutputText(request.stop);
    this.penalties = new Penalties(request.sampling, request.contextLimit);
    this.penalties.acceptPrompt(prompt);
    const { grammar, grammarAfter } = request;
    this.#constraint = grammar === undefined ? undefined : new AnswerConstraint(model, grammar, grammarAfter);
    const { seed } = request.sampling;
    this.#sampler = new Sampler({ ...request.sampling, seed: seed < 0 ? randomSeed() : seed });
  }

  get id(): number {
    return this.request.id;
  }

  get inPrompt(): boolean {
    return this.fed < this.feed.length;
  }

  /** Tokens the sequence will hold when the answer is as long as it may be; an open end counts as one small page. */
  get tokensWanted(): number {
    const { maxTokens, contextLimit } = this.request;
    const answer = maxTokens < 0 || maxTokens >= contextLimit ? OPEN_ANSWER_TOKENS : maxTokens;
    return Math.min(this.prompt.length + answer + 1, contextLimit);
  }

  /** Its sequence holds the first `reused` tokens of the prompt already. */
  start(reused: number): void {
    this.fed = reused;
    this.reused = reused;
  }

  /** Its sequence was lost while it held `tokens`: they are computed again, and the last drawn token behind them. */
  restart(tokens: readonly number[]): void {
    const last = this.output.at(-1);
    this.feed = last === undefined ? this.prompt : [...tokens, last];
    this.fed = 0;
  }

  countDraft(drafted: number, accepted: number): void {
    this.drafted += drafted;
    this.accepted += accepted;
  }

  /** Draws a token from the logits at batch index `index`, within the grammar if there is one. */
  draw(context: Context, index: number): { token: number; snapshot: LogprobSnapshot | undefined } {
    const wantsLogprobs = this.request.logprobs !== undefined;
    const logits = context.logits(index);
    if (logits === undefined) throw new AppError("internal", "the model gave no logits");
    const snapshot = wantsLogprobs ? snapshotLogprobs(logits, this.request.logprobs ?? 0) : undefined;
    if (this.penalties.active) this.penalties.apply(logits);
    const token = this.#sampler.sample(logits);
    if (this.#constraint === undefined || this.#constraint.allows(token)) return { token, snapshot };
    this.#constraint.mask(logits);
    return { token: this.#sampler.sample(logits), snapshot };
  }

  /** Takes a drawn token in; returns why the answer ends, if it does. */
  take(drawn: { token: number; snapshot: LogprobSnapshot | undefined }): DoneReason | undefined {
    if (this.#promptDoneMs === 0) this.#promptDoneMs = performance.now();
    const { token, snapshot } = drawn;
    this.output.push(token);
    this.penalties.accept(token);
    this.#constraint?.accept(token);
    if (this.model.isEndOfGeneration(token)) return "stop";
    const piece = this.#piece(token);
    if (snapshot !== undefined)
      this.#heldLogprobs.push(describeLogprob(snapshot, token, piece, (id) => this.model.rawPiece(id, true)));
    const shown = this.text.push(piece);
    this.#deltaText += shown;
    this.#releaseLogprobs(shown);
    if (this.text.stopWord !== undefined || this.#constraint?.mustEnd === true) return "stop";
    const { maxTokens } = this.request;
    return maxTokens >= 0 && this.output.length >= maxTokens ? "length" : undefined;
  }

  #piece(token: number): Uint8Array {
    return this.request.printSpecial ? this.model.rawPiece(token, true) : this.model.piece(token);
  }

  /** Tokens are told with their text; those of a stop word are not told at all. */
  #releaseLogprobs(shown: string): void {
    if (this.#heldLogprobs.length === 0) return;
    if (this.text.stopWord !== undefined) this.#heldLogprobs.splice(shown === "" ? 0 : 1);
    else if (shown === "" && this.text.holds) return;
    this.#deltaLogprobs.push(...this.#heldLogprobs.splice(0));
  }

  /** What became showable since the last call, or undefined when nothing did. */
  takeDelta(): Delta | undefined {
    if (this.#deltaText === "" && this.#deltaLogprobs.length === 0) return undefined;
    this.#shown += this.#deltaText;
    const delta: Delta = {
      id: this.id,
      text: this.#deltaText,
      ...(this.#deltaLogprobs.length > 0 ? { logprobs: this.#deltaLogprobs } : {}),
    };
    this.#deltaText = "";
    this.#deltaLogprobs = [];
    return delta;
  }

  finish(reason: DoneReason): { delta: Delta | undefined; done: GenerateDone } {
    this.#deltaText += this.text.finish();
    this.#deltaLogprobs.push(...this.#heldLogprobs.splice(0));
    const now = performance.now();
    const promptDone = this.#promptDoneMs === 0 ? now : this.#promptDoneMs;
    const delta = this.takeDelta();
    const done: GenerateDone = {
      type: "done",
      id: this.id,
      reason,
      ...(this.text.stopWord === undefined ? {} : { stopWord: this.text.stopWord }),
      promptTokens: this.prompt.length + this.cut,
      evaluatedTokens: this.prompt.length - this.reused,
      generatedTokens: this.output.length,
      promptMs: promptDone - this.#startedMs,
      generateMs: now - promptDone,
      cutTokens: this.cut,
      shiftedTokens: this.shifted,
      draftedTokens: this.drafted,
      acceptedTokens: this.accepted,
      ...(this.request.returnTokens ? { tokens: [...this.prompt, ...this.#said()] } : {}),
    };
    return { delta, done };
  }

  /** The answer as ids. A stop word is no part of it, though its tokens were drawn. */
  #said(): number[] {
    const said = this.output.filter((token) => !this.model.isEndOfGeneration(token));
    if (this.text.stopWord === undefined) return said;
    const shown = Buffer.from(this.#shown, "utf8");
    const kept: number[] = [];
    let end = 0;
    for (const token of said) {
      const next = end + this.#piece(token).length;
      if (next > shown.length) break;
      kept.push(token);
      end = next;
    }
    const rest = shown.subarray(end).toString("utf8");
    return [...kept, ...this.model.tokenize(rest, { addSpecial: false, parseSpecial: false })];
  }
}

/** What an answer without a limit is first given room for; the cache grows when it is longer. */
const OPEN_ANSWER_TOKENS = 256;

function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}
