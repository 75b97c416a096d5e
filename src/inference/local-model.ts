// A model served by a runner on this machine: render → acquire a runner → generate → read the answer.

import { AppError } from "../base/errors.ts";
import { Translated } from "../base/translated.ts";
import type { ModelOptions } from "../api/schema/options.ts";
import type { DialogFormat } from "../chat/dialog-format.ts";
import type { ChatMessage } from "../chat/message.ts";
import type { OutputParser } from "../chat/output-family.ts";
import type { Config } from "../config.ts";
import { ranksDocuments } from "../formats/gguf/facts.ts";
import { capabilitiesOf, dialogFormatOf } from "../models/capabilities.ts";
import type { OpenedModel } from "../models/opened-model.ts";
import { type Generation, PromptOverflow, type RunnerProcess } from "../runner/process.ts";
import { loadSpec } from "../scheduler/load-spec.ts";
import type { Lease } from "../scheduler/loaded.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import type {
  AnswerEvent,
  AskableModel,
  Asker,
  AskSettings,
  ChatQuestion,
  Embeddings,
  EmbedQuestion,
  ModelAbilities,
  Ranking,
  RerankQuestion,
  PromptQuestion,
  SpentTokens,
} from "./model.ts";
import { type AnswerGrammar, grammarFor } from "./answer-grammar.ts";
import { promptText, withModelMessages } from "./model-dialog.ts";
import { AnswerReader } from "./read-answer.ts";
import { contextLimit, maxTokens, mergeOptions, samplingParams } from "./settings.ts";
import { cutText, estimatedTokens, mostText, requireCountable } from "./text-limit.ts";
import { messagesToDrop, withoutOldest } from "./truncate.ts";

/** Ollama's words (llm/llama_server.go); clients look for "context length". */
const TOO_LONG =
  "the prompt is longer than the context length currently available to the model; shorten the prompt, adjust the context length in settings, or use a model with a longer context length";

interface Held {
  readonly lease: Lease;
  readonly options: ModelOptions;
  readonly startedMs: number;
  readonly loadMs: number;
}

/** A prompt ready to send, and how to make a shorter one. */
interface Prepared {
  readonly text: string;
  readonly contextTokens: readonly number[];
  readonly parser: OutputParser | undefined;
  readonly grammar: AnswerGrammar | undefined;
  readonly returnTokens: boolean;
  /** Control tokens are part of the text: some families mark calls and channels with them. */
  readonly printSpecial: boolean;
  /** The prompt text of fewer messages; undefined where there is nothing to drop. */
  readonly shorter: ((tokensOf: (text: string) => Promise<number>, limit: number) => Promise<string>) | undefined;
}

export class LocalModel implements AskableModel {
  constructor(
    private readonly model: OpenedModel,
    private readonly scheduler: Scheduler,
    private readonly config: Config,
    private readonly asker: Asker,
  ) {}

  get fullName(): string {
    return this.model.name.full;
  }

  get abilities(): ModelAbilities {
    // Weights that cannot be read are an error of their own, not a model that can do nothing.
    if (this.model.weightsPath !== undefined) this.model.facts();
    const found = new Set(capabilitiesOf(this.model, this.config.goTemplate));
    return {
      completion: found.has("completion"),
      tools: found.has("tools"),
      thinking: found.has("thinking"),
      insert: found.has("insert"),
      // No vision library is in this build, whatever the model could do.
      vision: false,
      embedding: found.has("embedding"),
      rerank: this.model.weightsPath !== undefined && ranksDocuments(this.model.facts()),
    };
  }

  get #format(): DialogFormat {
    return dialogFormatOf(this.model, this.config.goTemplate);
  }

  chat(question: ChatQuestion, signal: AbortSignal): AsyncIterable<AnswerEvent> {
    const messages = withModelMessages(this.model, question.messages);
    const text = this.#renderMessages(messages, question);
    const format = this.#format;
    const parser = format.family.create({
      tools: question.toolChoice === "none" ? [] : [...question.tools],
      thinking: question.think.on,
      prompt: text,
      ...(messages.at(-1) === undefined ? {} : { lastMessage: messages.at(-1) as ChatMessage }),
    });
    const grammar = grammarFor(question, format, question.think.on, question);
    return this.#generate(question, signal, {
      text,
      contextTokens: [],
      parser,
      grammar,
      returnTokens: false,
      printSpecial: format.kind === "renderer" || question.tools.length > 0 || question.think.on,
      shorter: async (tokensOf, limit) => {
        const fits = async (fewer: readonly ChatMessage[]) =>
          (await tokensOf(this.#renderMessages(fewer, question))) < limit;
        const dropped = await messagesToDrop(messages, fits);
        return this.#renderMessages(withoutOldest(messages, dropped), question);
      },
    });
  }

  complete(question: PromptQuestion, signal: AbortSignal): AsyncIterable<AnswerEvent> {
    const text = this.renderPrompt(question);
    const free = question.raw || question.template !== undefined || question.suffix !== "";
    const format = free ? undefined : this.#format;
    const parser = format?.family.create({ tools: [], thinking: question.think.on, prompt: text });
    return this.#generate(question, signal, {
      text,
      contextTokens: question.context ?? [],
      parser,
      grammar: grammarFor(question, format, question.think.on && format !== undefined),
      returnTokens: !question.raw,
      printSpecial: format?.kind === "renderer" || question.think.on,
      shorter: undefined,
    });
  }

  renderChat(question: ChatQuestion): string {
    return this.#renderMessages(withModelMessages(this.model, question.messages), question);
  }

  renderPrompt(question: PromptQuestion): string {
    return promptText(this.model, question, () => this.#format);
  }

  async countChat(question: ChatQuestion, signal: AbortSignal): Promise<number> {
    return (await this.tokenize(this.renderChat(question), signal)).length;
  }

  async embed(question: EmbedQuestion, signal: AbortSignal): Promise<Embeddings> {
    const held = await this.#hold(question.options, question.keepAliveMs, signal, "takes-turn");
    using lease = held.lease;
    const limit = this.#contextLimit(held.options, lease.runner);
    requireModestNumber(question.inputs.length, this.model.facts().embeddingLength);
    const { truncate } = question;
    const inputs = question.inputs.map((text) => countable(text, limit, truncate));
    const reply = await lease.runner.embed({ inputs, query: undefined, truncate, contextLimit: limit }, signal);
    const promptTokens = reply.tokenCounts.reduce((sum, count) => sum + count, 0);
    this.#used({ promptTokens, cachedTokens: 0, generatedTokens: 0, complete: true });
    return {
      vectors: reply.vectors,
      promptTokens,
      loadMs: held.loadMs,
      totalMs: performance.now() - held.startedMs,
    };
  }

  async rerank(question: RerankQuestion, signal: AbortSignal): Promise<Ranking> {
    const { query, documents: inputs } = question;
    const held = await this.#hold(question.options, question.keepAliveMs, signal);
    using lease = held.lease;
    const contextLimit = this.#contextLimit(held.options, lease.runner);
    const reply = await lease.runner.embed({ inputs, query, truncate: true, contextLimit }, signal);
    return {
      // One class: a logit. Two: the model's own share of "yes", which comes first.
      scores: reply.vectors.map(([first = 0, ...others]) => (others.length === 0 ? 1 / (1 + Math.exp(-first)) : first)),
      promptTokens: reply.tokenCounts.reduce((sum, count) => sum + count, 0),
    };
  }

  async tokenize(text: string, signal: AbortSignal): Promise<readonly number[]> {
    using lease = (await this.#hold({}, undefined, signal)).lease;
    requireCountable(text, lease.runner.facts.maxContext);
    return await lease.runner.tokenize(text, true, signal);
  }

  async detokenize(tokens: readonly number[], signal: AbortSignal): Promise<string> {
    using lease = (await this.#hold({}, undefined, signal)).lease;
    return await lease.runner.detokenize(tokens, signal);
  }

  async load(options: ModelOptions, keepAliveMs: number | undefined, signal: AbortSignal): Promise<void> {
    (await this.#hold(options, keepAliveMs, signal)).lease[Symbol.dispose]();
  }

  unload(): void {
    if (this.model.weightsPath !== undefined) this.scheduler.expire(this.model.weightsPath);
  }

  #renderMessages(messages: readonly ChatMessage[], { tools, toolChoice, think }: ChatQuestion): string {
    return this.#format.render({ messages, tools: toolChoice === "none" ? [] : tools, think });
  }

  #used(spent: Omit<SpentTokens, "model">): void {
    this.asker.used({ model: this.model.name.display, ...spent });
  }

  async #hold(
    request: ModelOptions,
    keepAliveMs: number | undefined,
    signal: AbortSignal,
    turn: "takes-turn" | "at-once" = "at-once",
  ): Promise<Held> {
    const startedMs = performance.now();
    const options = mergeOptions(this.model.params, request);
    const spec = loadSpec(this.model, options, this.config);
    const context = this.config.contextLength || spec.trainedContext || 4096;
    const lease = await this.scheduler.acquire(this.model, spec, {
      context: Math.max(context, options.num_ctx ?? 0),
      keepAliveMs,
      signal,
      asker: this.asker.id,
      takesTurn: turn === "takes-turn",
    });
    return { lease, options, startedMs, loadMs: performance.now() - startedMs };
  }

  #contextLimit(options: ModelOptions, runner: RunnerProcess): number {
    return contextLimit(options, this.config.contextLength, runner.facts.maxContext);
  }

  #generate(question: AskSettings, signal: AbortSignal, prepared: Prepared): AsyncIterable<AnswerEvent> {
    return new Translated(async () => {
      const held = await this.#hold(question.options, question.keepAliveMs, signal, "takes-turn");
      using giveUp = new DisposableStack();
      giveUp.use(held.lease);
      const { generation, droppedTokens } = await this.#begin(question, signal, prepared, held);
      giveUp.use(generation);
      const used = (spent: Omit<SpentTokens, "model">) =>
        this.#used(question.promptIsShared === true ? { ...spent, promptTokens: 0, cachedTokens: 0 } : spent);
      const shortened = (tokens: number) => this.asker.shortened(tokens);
      const reader = giveUp.use(new AnswerReader(prepared.parser, { ...held, droppedTokens, used, shortened }));
      const owned = giveUp.move();
      return {
        source: generation[Symbol.asyncIterator](),
        read: (event) => reader.read(event),
        close: () => owned.dispose(),
      };
    });
  }

  /** Asks; where the prompt proves too long for its context, asks again with fewer messages. */
  async #begin(
    question: AskSettings,
    signal: AbortSignal,
    prepared: Prepared,
    { lease: { runner }, options }: Held,
  ): Promise<{ readonly generation: Generation; readonly droppedTokens: number }> {
    const limit = this.#contextLimit(options, runner);
    const ask = (text: string, cutPrompt: boolean) =>
      runner.generate(this.#request(question, options, prepared, { text, limit, cutPrompt }), signal);
    const most = mostText(limit);
    // A prompt is cut only where its answer may go on by shifting, as by Ollama.
    const mayCut = question.truncate && question.shift;
    const cuts = mayCut && prepared.shorter === undefined;
    const first = cuts || prepared.text.length <= most ? ask(cutText(prepared.text, most), cuts) : undefined;
    const overflow = first === undefined ? estimatedTokens(prepared.text) : await overflowOf(first);
    if (first !== undefined && overflow === undefined) return { generation: first, droppedTokens: 0 };
    if (!question.truncate || prepared.shorter === undefined) throw new AppError("invalid", TOO_LONG);
    const tokensOf = async (text: string) =>
      text.length > most ? estimatedTokens(text) : (await runner.tokenize(text, true, signal)).length;
    const text = cutText(await prepared.shorter(tokensOf, limit), most);
    const droppedTokens = Math.max(0, (overflow ?? 0) - (await tokensOf(text)));
    const shortened = ask(text, mayCut);
    if (!mayCut && (await overflowOf(shortened)) !== undefined) throw new AppError("invalid", TOO_LONG);
    return { generation: shortened, droppedTokens };
  }

  #request(
    question: AskSettings,
    options: ModelOptions,
    prepared: Prepared,
    prompt: { readonly text: string; readonly limit: number; readonly cutPrompt: boolean },
  ): Parameters<RunnerProcess["generate"]>[0] {
    return {
      prompt: prompt.text,
      contextTokens: prepared.contextTokens,
      addSpecial: true,
      sampling: samplingParams(options, question.logitBias),
      stop: stopWords(options),
      maxTokens: maxTokens(options, prompt.limit),
      contextLimit: prompt.limit,
      numKeep: options.num_keep ?? 4,
      cutPrompt: prompt.cutPrompt,
      shift: question.shift,
      logprobs: question.logprobs,
      grammar: prepared.grammar?.text,
      grammarAfter: prepared.grammar?.after,
      returnTokens: prepared.returnTokens,
      printSpecial: prepared.printSpecial,
      draftTokens: options.draft_num_predict,
    };
  }
}

/** An input that cannot fit is refused in the words for one that does not, or cut, before anything counts its tokens. */
function countable(text: string, limit: number, truncate: boolean): string {
  const most = mostText(limit);
  if (text.length > most && !truncate) throw new AppError("invalid", "the input length exceeds the context length");
  return text.slice(0, most);
}

/** A text becomes so many numbers at once: in the runner, here, and several times as long as JSON. */
const MOST_NUMBERS = 16_000_000;

function requireModestNumber(texts: number, numbersEach: number): void {
  const most = Math.floor(MOST_NUMBERS / Math.max(1, numbersEach));
  if (texts <= most) return;
  throw new AppError("invalid", `${texts} texts are too many for one request: this model embeds ${most} at a time`);
}

/** Each token is compared with each of them. */
const MOST_STOP_WORDS = 256;

function stopWords({ stop = [] }: ModelOptions): readonly string[] {
  if (stop.length > MOST_STOP_WORDS)
    throw new AppError("invalid", `stop has ${stop.length} entries; at most ${MOST_STOP_WORDS} are taken`);
  return stop;
}

/** How long a prompt is that does not fit, so that this is known before anything is sent to the client; undefined: it fits. */
async function overflowOf(generation: Generation): Promise<number | undefined> {
  try {
    await generation.started();
    return undefined;
  } catch (error) {
    generation[Symbol.dispose]();
    if (error instanceof PromptOverflow) return error.tokens;
    throw error;
  }
}
