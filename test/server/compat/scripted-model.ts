// The one fake of these tests: a model whose answers are written down. It keeps what it was asked, so that tests see what a
// request became; everything else (routes, schemas, translations, streams) is real.

import type {
  AnswerEvent,
  AskableModel,
  ChatQuestion,
  Embeddings,
  EmbedQuestion,
  ModelAbilities,
  PromptQuestion,
  Ranking,
  RerankQuestion,
} from "../../../src/inference/model.ts";
import { AppError } from "../../../src/base/errors.ts";

export const USAGE = {
  promptTokens: 12,
  cachedTokens: 5,
  generatedTokens: 3,
  promptMs: 1,
  generateMs: 2,
  loadMs: 0,
  totalMs: 4,
  truncatedTokens: 0,
  shiftedTokens: 0,
} as const;

type Done = Extract<AnswerEvent, { type: "done" }>;

export function text(value: string): AnswerEvent {
  return { type: "text-delta", text: value };
}

export function thinking(value: string): AnswerEvent {
  return { type: "thinking-delta", text: value };
}

export function call(name: string, args: Record<string, unknown>, index = 0): AnswerEvent {
  return { type: "tool-call", call: { id: `call_${index}`, index, name, arguments: args } };
}

export function done(more: Partial<Done> = {}): AnswerEvent {
  return {
    type: "done",
    reason: "stop",
    stopWord: undefined,
    usage: USAGE,
    context: undefined,
    malformedToolCall: false,
    ...more,
  };
}

export class ScriptedModel implements AskableModel {
  readonly fullName = "registry.ollama.ai/library/scripted:latest";
  abilities: ModelAbilities = {
    completion: true,
    tools: true,
    thinking: true,
    insert: true,
    vision: false,
    embedding: true,
    rerank: false,
  };
  readonly asked: (ChatQuestion | PromptQuestion)[] = [];
  readonly embedded: EmbedQuestion[] = [];
  vector: readonly number[] = [3, 4, 0];
  /** Events taken from the script. */
  taken = 0;
  /** Generators that have ended, however they ended. */
  ended = 0;

  /** An Error in the script is thrown where it stands. */
  constructor(private readonly script: readonly (AnswerEvent | Error)[] = [text("Hello"), text(" you"), done()]) {}

  get chats(): ChatQuestion[] {
    return this.asked.filter((question) => "messages" in question);
  }

  get prompts(): PromptQuestion[] {
    return this.asked.filter((question) => "prompt" in question);
  }

  async *#answer(question: ChatQuestion | PromptQuestion, signal: AbortSignal): AsyncGenerator<AnswerEvent, void> {
    this.asked.push(question);
    try {
      for (const event of this.script) {
        await Promise.resolve();
        if (signal.aborted) throw new AppError("canceled", "request canceled");
        if (event instanceof Error) throw event;
        this.taken++;
        yield event;
      }
    } finally {
      this.ended++;
    }
  }

  chat(question: ChatQuestion, signal: AbortSignal): AsyncIterable<AnswerEvent> {
    return this.#answer(question, signal);
  }

  complete(question: PromptQuestion, signal: AbortSignal): AsyncIterable<AnswerEvent> {
    return this.#answer(question, signal);
  }

  async embed(question: EmbedQuestion): Promise<Embeddings> {
    this.embedded.push(question);
    return {
      vectors: question.inputs.map(() => this.vector),
      promptTokens: 2 * question.inputs.length,
      loadMs: 1,
      totalMs: 2,
    };
  }

  /** Longer documents answer better. */
  async rerank({ documents }: RerankQuestion): Promise<Ranking> {
    return { scores: documents.map(({ length }) => length / 100), promptTokens: 3 * documents.length };
  }

  renderChat({ messages }: ChatQuestion): string {
    return messages.map(({ role, content }) => `<${role}>${content}`).join("");
  }

  renderPrompt({ prompt }: PromptQuestion): string {
    return `<prompt>${prompt}`;
  }

  async countChat(question: ChatQuestion): Promise<number> {
    return (await this.tokenize(this.renderChat(question))).length;
  }

  async tokenize(value: string): Promise<readonly number[]> {
    return Array.from(value, (char) => char.codePointAt(0) ?? 0);
  }

  async detokenize(tokens: readonly number[]): Promise<string> {
    return String.fromCodePoint(...tokens);
  }

  async load(): Promise<void> {}

  unload(): void {}
}
