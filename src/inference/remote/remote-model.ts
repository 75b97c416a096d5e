// A model served by an engine elsewhere. It renders prompts itself and asks as it likes best: messages, tools and schema go to
// its chat route. Only a model with a TEMPLATE (or renderer) of its own is rendered here, and its text read here.

import type { ModelOptions } from "../../api/schema/options.ts";
import { AppError } from "../../base/errors.ts";
import { translate, Translated } from "../../base/translated.ts";
import type { DialogFormat } from "../../chat/dialog-format.ts";
import type { OutputParser } from "../../chat/output-family.ts";
import type { Config } from "../../config.ts";
import { dialogFormatOf } from "../../models/capabilities.ts";
import type { OpenedModel } from "../../models/opened-model.ts";
import type { RunnerEvent } from "../../runner/process.ts";
import { grammarFor } from "../answer-grammar.ts";
import type {
  AnswerEvent,
  AnswerFormat,
  AskableModel,
  Asker,
  AskSettings,
  ChatQuestion,
  Embeddings,
  EmbedQuestion,
  ModelAbilities,
  PromptQuestion,
  Ranking,
  RerankQuestion,
} from "../model.ts";
import { promptMessages, promptText, withModelMessages } from "../model-dialog.ts";
import { AnswerReader } from "../read-answer.ts";
import { mergeOptions } from "../settings.ts";
import { abilitiesOf } from "./abilities.ts";
import { Clock } from "./clock.ts";
import { embedAt } from "./engine-embeddings.ts";
import type { Engine } from "./engine.ts";
import type { EngineFacts } from "./engine-facts.ts";
import { countChatAt, detokenizeAt, tokenizeAt } from "./engine-tokens.ts";
import { firstAnswer } from "./failover.ts";
import { metered } from "./meter.ts";
import { readOllama, readOllamaText } from "./ollama-answer.ts";
import { ollamaChatBody, ollamaPromptBody } from "./ollama-request.ts";
import { heldToCall } from "./held-to-call.ts";
import { readChat, readCompletion } from "./openai-answer.ts";
import { chatBody, textBody } from "./openai-request.ts";
import type { RemoteChat, RemoteText } from "./question.ts";

type Events = AsyncIterable<AnswerEvent>;
type Start<T> = (engine: Engine, facts: EngineFacts) => AsyncGenerator<T, void, undefined>;

/** Counts who is being answered, and when it was used last. */
export interface UseNote {
  begin(): Disposable;
  forget(): void;
}

interface Shared {
  readonly config: Config;
  readonly asker: Asker;
  readonly use: UseNote;
}

export class RemoteModel implements AskableModel {
  readonly abilities: ModelAbilities;
  readonly #format: DialogFormat | undefined;

  constructor(
    private readonly model: OpenedModel,
    private readonly engines: readonly Engine[],
    facts: EngineFacts,
    private readonly shared: Shared,
  ) {
    const hasFormat = model.template !== undefined || model.config.renderer !== undefined;
    this.#format = hasFormat ? dialogFormatOf(model, shared.config.goTemplate) : undefined;
    this.abilities = abilitiesOf(model.config.capabilities ?? [], facts, this.#format);
  }

  get fullName(): string {
    return this.model.name.full;
  }

  get remote(): { remote_model: string; remote_host: string } {
    const { remote_model = "", remote_host = "" } = this.model.config;
    return { remote_model, remote_host };
  }

  chat(question: ChatQuestion, signal: AbortSignal): Events {
    return this.#metered(this.#chat(question, signal), question);
  }

  complete(question: PromptQuestion, signal: AbortSignal): Events {
    return this.#metered(this.#complete(question, signal), question);
  }

  #metered(events: Events, { promptIsShared = false }: AskSettings): Events {
    return metered(events, { asker: this.shared.asker, model: this.model.name.display, promptIsShared });
  }

  #chat(question: ChatQuestion, signal: AbortSignal): Events {
    const messages = withModelMessages(this.model, question.messages);
    return this.#format !== undefined
      ? this.#chatAsText(this.#format, { ...question, messages }, signal)
      : this.#chatThere({ ...question, ...this.#settings(question), messages }, signal);
  }

  #complete(question: PromptQuestion, signal: AbortSignal): Events {
    const isText = question.raw || question.template !== undefined || this.#format !== undefined;
    if (isText) return this.#promptAsText(question, signal);
    if (question.suffix === "") return this.#promptThere(question, signal);
    return readText(this.#text({ ...question, ...this.#settings(question) }, signal), undefined);
  }

  /** An Ollama renders a prompt itself; elsewhere it becomes a conversation. */
  #promptThere(question: PromptQuestion, signal: AbortSignal): Events {
    const messages = promptMessages(this.model, question);
    const tools = { tools: [], toolChoice: "auto", parallelToolCalls: true } as const;
    const asChat: RemoteChat = { ...question, ...this.#settings(question), ...tools, messages };
    const system = question.system === "" ? this.model.system : question.system;
    const asPrompt = { ...question, ...this.#settings(question), system };
    return this.#stream(signal, (engine, facts) => {
      const clock = new Clock();
      const { place } = engine;
      const context = question.context ?? [];
      if (facts.dialect === "ollama" && (this.model.messages.length === 0 || context.length > 0)) {
        const body = ollamaPromptBody(asPrompt, facts);
        return engine.stream(`${facts.apiUrl}/api/generate`, body, signal, (out) => readOllama(place, out, clock));
      }
      if (context.length > 0)
        throw new AppError("invalid", "context holds token ids of another engine; send the conversation to /api/chat");
      return chatAt(engine, facts, asChat, signal);
    });
  }

  renderChat(question: ChatQuestion): string {
    const messages = withModelMessages(this.model, question.messages);
    return this.#rendering().render({ ...question, tools: offered(question), messages });
  }

  renderPrompt(question: PromptQuestion): string {
    return promptText(this.model, question, () => this.#rendering());
  }

  async countChat(question: ChatQuestion, signal: AbortSignal): Promise<number> {
    if (this.#format !== undefined) return (await this.tokenize(this.renderChat(question), signal)).length;
    const messages = withModelMessages(this.model, question.messages);
    const asked = { ...question, ...this.#settings(question), messages };
    return this.#ask(signal, (engine, facts) => countChatAt({ engine, facts, signal }, asked));
  }

  async embed(question: EmbedQuestion, signal: AbortSignal): Promise<Embeddings> {
    const options = mergeOptions(this.model.params, question.options);
    const asked = { ...question, options };
    const found = await this.#ask(signal, (engine, facts) => embedAt({ engine, facts, signal }, asked));
    const spent = { promptTokens: found.promptTokens, cachedTokens: 0, generatedTokens: 0, complete: true };
    this.shared.asker.used({ model: this.model.name.display, ...spent });
    return found;
  }

  rerank(_question: RerankQuestion, _signal: AbortSignal): Promise<Ranking> {
    throw new AppError("unsupported", "documents are not ranked by engines elsewhere");
  }

  tokenize(text: string, signal: AbortSignal): Promise<readonly number[]> {
    return this.#ask(signal, (engine, facts) => tokenizeAt({ engine, facts, signal }, text));
  }

  detokenize(tokens: readonly number[], signal: AbortSignal): Promise<string> {
    return this.#ask(signal, (engine, facts) => detokenizeAt({ engine, facts, signal }, tokens));
  }

  /** The engine has it loaded, or loads it as it likes: that it answers is all there is to find out. */
  async load(_options: ModelOptions, _keepAliveMs: number | undefined, signal: AbortSignal): Promise<void> {
    await this.#ask(signal, () => Promise.resolve());
  }

  unload(): void {
    this.shared.use.forget();
  }

  #settings(question: AskSettings) {
    const options = mergeOptions(this.model.params, question.options);
    return { model: this.model.config.remote_model ?? "", options };
  }

  #rendering(): DialogFormat {
    if (this.#format !== undefined) return this.#format;
    throw new AppError("unsupported", "the engine that serves this model renders the prompt itself");
  }

  #chatThere(question: RemoteChat, signal: AbortSignal): Events {
    return this.#stream(signal, (engine, facts) => chatAt(engine, facts, question, signal));
  }

  #chatAsText(format: DialogFormat, question: ChatQuestion, signal: AbortSignal): Events {
    const { think, messages } = question;
    const tools = offered(question);
    const prompt = format.render({ messages, tools, think });
    const lastMessage = messages.at(-1);
    const parser = format.family.create({
      tools,
      thinking: think.on,
      prompt,
      ...(lastMessage === undefined ? {} : { lastMessage }),
    });
    const text = { ...question, ...this.#settings(question), prompt, suffix: "" };
    const events = this.#text({ ...text, format: textFormat(question, format, question) }, signal);
    return readText(events, parser);
  }

  #promptAsText(question: PromptQuestion, signal: AbortSignal): Events {
    if ((question.context ?? []).length > 0)
      throw new AppError("invalid", "context cannot be put before a prompt that is rendered here; use /api/chat");
    const prompt = this.renderPrompt(question);
    const isOwn = !question.raw && question.template === undefined && question.suffix === "";
    const format = isOwn ? this.#format : undefined;
    const parser = format?.family.create({ tools: [], thinking: question.think.on, prompt });
    const text = { ...question, ...this.#settings(question), prompt, suffix: "" };
    const events = this.#text({ ...text, format: textFormat(question, format) }, signal);
    return readText(events, parser);
  }

  #text(question: RemoteText, signal: AbortSignal): AsyncIterable<RunnerEvent> {
    return this.#stream(signal, (engine, facts) => {
      const clock = new Clock();
      const { place } = engine;
      // An Ollama's /v1/completions puts its template around a prompt; its own route does not.
      const isOllama = facts.flavour === "ours" || facts.flavour === "ollama";
      if (!isOllama) {
        const url = `${facts.apiUrl}/completions`;
        return engine.stream(url, textBody(question, facts), signal, (out) => readCompletion(place, out, clock));
      }
      const none = { system: "", template: undefined, context: undefined, think: { set: false, on: true } } as const;
      const body = ollamaPromptBody({ ...question, ...none, raw: question.suffix === "" }, facts);
      return engine.stream(`${facts.rootUrl}/api/generate`, body, signal, (out) => readOllamaText(place, out, clock));
    });
  }

  async #ask<T>(signal: AbortSignal, act: (engine: Engine, facts: EngineFacts) => Promise<T>): Promise<T> {
    using _use = this.shared.use.begin();
    return await firstAnswer(this.engines, async (engine) => act(engine, await engine.facts(signal)));
  }

  /** Commits to the engine that gives a first event. */
  #stream<T>(signal: AbortSignal, start: Start<T>): AsyncIterable<T> {
    return new Translated(async () => {
      const use = this.shared.use.begin();
      try {
        const { first, events } = await firstAnswer(this.engines, async (engine) => {
          const begun = start(engine, await engine.facts(signal));
          return { first: await begun.next(), events: begun };
        });
        // A client that leaves at the very first event must not keep the engine busy: closing the source ends the connection.
        return { source: afterFirst(first, events), read: (event: T) => [event], close: () => use[Symbol.dispose]() };
      } catch (error) {
        use[Symbol.dispose]();
        throw error;
      }
    });
  }
}

function afterFirst<T>(first: IteratorResult<T>, rest: AsyncGenerator<T, void, undefined>): AsyncIterator<T> {
  let kept: IteratorResult<T> | undefined = first;
  return {
    next() {
      const result = kept;
      kept = undefined;
      return result === undefined ? rest.next() : Promise.resolve(result);
    },
    return: () => rest.return(),
  };
}

/** All answers are metered where they leave this model. */
function paidElsewhere(): void {}

/** As the text of a local model is read. */
function readText(events: AsyncIterable<RunnerEvent>, parser: OutputParser | undefined): Events {
  const reader = new AnswerReader(parser, {
    startedMs: performance.now(),
    loadMs: 0,
    droppedTokens: 0,
    used: paidElsewhere,
    shortened: () => undefined,
  });
  return translate(events, (event) => reader.read(event));
}

function offered({ tools, toolChoice }: ChatQuestion): ChatQuestion["tools"] {
  return toolChoice === "none" ? [] : tools;
}

function chatAt(
  engine: Engine,
  facts: EngineFacts,
  question: RemoteChat,
  signal: AbortSignal,
): AsyncGenerator<AnswerEvent, void, undefined> {
  const clock = new Clock();
  const { place } = engine;
  if (facts.dialect === "ollama") {
    const body = ollamaChatBody(question, facts);
    const events = engine.stream(`${facts.apiUrl}/api/chat`, body, signal, (out) => readOllama(place, out, clock));
    return heldToCall(place, question, events);
  }
  const url = `${facts.apiUrl}/chat/completions`;
  const events = engine.stream(url, chatBody(question, facts), signal, (out) => readChat(place, out, clock));
  return heldToCall(place, question, events);
}

/** What a text rendered here is held to: an enforced call becomes a grammar, a format stays what it is. */
function textFormat(question: AskSettings, format: DialogFormat | undefined, chat?: ChatQuestion): AnswerFormat {
  const isForced = chat !== undefined && chat.toolChoice !== "auto" && chat.toolChoice !== "none";
  if (!isForced) return question.format;
  const grammar = grammarFor(question, format, chat.think.on, chat);
  if (grammar === undefined) return question.format;
  if (grammar.after !== undefined)
    throw new AppError("invalid", "tool_choice cannot be enforced behind thinking by an engine elsewhere");
  return { kind: "grammar", grammar: grammar.text };
}
