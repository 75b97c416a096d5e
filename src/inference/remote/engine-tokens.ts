// Text to tokens and back where an engine has routes for it: vLLM, SGLang, llama-server, and this program.

import { isRecord } from "../../api/responses.ts";
import { AppError } from "../../base/errors.ts";
import type { Engine } from "./engine.ts";
import type { EngineFacts } from "./engine-facts.ts";
import { unreadable } from "./failure.ts";
import { chatBody } from "./openai-request.ts";
import { ollamaChatBody } from "./ollama-request.ts";
import type { RemoteChat } from "./question.ts";
import { listAt, textAt } from "./wire-values.ts";

interface Asked {
  readonly engine: Engine;
  readonly facts: EngineFacts;
  readonly signal: AbortSignal;
}

function cannot(engine: Engine, what: string): AppError {
  return new AppError("unsupported", `${engine.place.baseUrl} has no route to ${what}`);
}

export async function tokenizeAt({ engine, facts, signal }: Asked, text: string): Promise<number[]> {
  const { model } = engine.place;
  const ask = (path: string, body: unknown) => engine.json(facts.rootUrl + path, body, signal);
  switch (facts.flavour) {
    case "vllm":
    case "sglang":
      return ids(engine, await ask("/tokenize", { model, prompt: text, add_special_tokens: true }));
    case "llamacpp":
      return ids(engine, await ask("/tokenize", { content: text, add_special: true }));
    case "ours":
      return ids(engine, await ask("/api/tokenize", { model, text }));
    case "ollama":
    case "other":
      throw cannot(engine, "make tokens of a text");
    default:
      return facts.flavour satisfies never;
  }
}

export async function detokenizeAt({ engine, facts, signal }: Asked, tokens: readonly number[]): Promise<string> {
  const { model } = engine.place;
  const ask = (path: string, body: unknown) => engine.json(facts.rootUrl + path, body, signal);
  switch (facts.flavour) {
    case "vllm":
      return textAt(await ask("/detokenize", { model, tokens }), "prompt");
    case "sglang":
      return textAt(await ask("/detokenize", { model, tokens }), "text");
    case "llamacpp":
      return textAt(await ask("/detokenize", { tokens }), "content");
    case "ours":
      return textAt(await ask("/api/detokenize", { model, tokens }), "text");
    case "ollama":
    case "other":
      throw cannot(engine, "make a text of tokens");
    default:
      return facts.flavour satisfies never;
  }
}

/** How long a conversation is as the prompt that the engine makes of it. */
export async function countChatAt(asked: Asked, question: RemoteChat): Promise<number> {
  const { engine, facts, signal } = asked;
  const { model, messages, tools = [] } = pick(chatBody(question, facts));
  const withTools = Array.isArray(tools) && tools.length > 0 ? { tools } : {};
  switch (facts.flavour) {
    case "vllm":
      return ids(engine, await engine.json(`${facts.rootUrl}/tokenize`, { model, messages, ...withTools }, signal))
        .length;
    case "llamacpp": {
      const applied = await engine.json(`${facts.rootUrl}/apply-template`, { messages, ...withTools }, signal);
      return (await tokenizeAt(asked, textAt(applied, "prompt"))).length;
    }
    case "ours": {
      const body = { ...ollamaChatBody(question, facts), _debug_render_only: true };
      const shown = await engine.json(`${facts.rootUrl}/api/chat`, body, signal);
      const info = isRecord(shown) ? shown["_debug_info"] : undefined;
      return (await tokenizeAt(asked, textAt(info, "rendered_template"))).length;
    }
    case "sglang":
    case "ollama":
    case "other":
      throw cannot(engine, "count the tokens of a conversation");
    default:
      return facts.flavour satisfies never;
  }
}

function pick(body: Record<string, unknown>): { model: unknown; messages: unknown; tools?: unknown } {
  return { model: body["model"], messages: body["messages"], tools: body["tools"] };
}

function ids(engine: Engine, answer: unknown): number[] {
  const tokens = listAt(answer, "tokens");
  if (!isRecord(answer) || !tokens.every((token) => typeof token === "number"))
    throw unreadable(engine.place, "sent no list of token ids");
  return tokens;
}
