// Questions → bodies of an OpenAI-compatible engine, with the extras of the program that answers there. Pure. What only
// steers sampling is left out where the engine has no name for it; what constrains an answer is refused instead.

import type { ModelOptions } from "../../api/schema/options.ts";
import { AppError } from "../../base/errors.ts";
import type { Think } from "../../chat/dialog-format.ts";
import type { ChatMessage } from "../../chat/message.ts";
import type { AnswerFormat } from "../model.ts";
import type { EngineFacts, Flavour } from "./engine-facts.ts";
import { contentParts } from "./image-parts.ts";
import type { RemoteChat, RemoteText } from "./question.ts";

type Body = Record<string, unknown>;

export function chatBody(question: RemoteChat, facts: EngineFacts): Body {
  const { model, messages, logprobs } = question;
  return {
    model,
    messages: withCallIds(messages).map((message) => wireMessage(message, facts.flavour)),
    stream: true,
    stream_options: { include_usage: true },
    ...samplingFields(question.options, facts.flavour),
    ...formatFields(question.format, facts, "chat"),
    ...thinkFields(question.think, facts.flavour),
    ...toolFields(question, facts.flavour),
    ...(logprobs === undefined ? {} : { logprobs: true, ...(logprobs > 0 ? { top_logprobs: logprobs } : {}) }),
    ...biasFields(question.logitBias),
  };
}

export function textBody(question: RemoteText, facts: EngineFacts): Body {
  const { model, prompt, suffix, logprobs } = question;
  return {
    model,
    prompt,
    stream: true,
    stream_options: { include_usage: true },
    ...(suffix === "" ? {} : { suffix }),
    // Here an engine ends after 16 tokens unless told otherwise.
    max_tokens: endless(facts, prompt),
    ...samplingFields(question.options, facts.flavour),
    ...formatFields(question.format, facts, "text"),
    ...(logprobs === undefined ? {} : { logprobs }),
    ...biasFields(question.logitBias),
  };
}

const LONG_ANSWER = 4096;

/** As many tokens as surely fit; a prompt has fewer tokens than bytes. */
function endless({ flavour, contextLength }: EngineFacts, prompt: string): number {
  if (flavour === "llamacpp") return -1;
  if (contextLength === undefined) return LONG_ANSWER;
  return Math.max(16, Math.min(LONG_ANSWER, contextLength - Buffer.byteLength(prompt)));
}

export function embedBody(model: string, inputs: readonly string[], truncate: boolean, { flavour }: EngineFacts): Body {
  const cut = truncate && flavour === "vllm" ? { truncate_prompt_tokens: -1 } : {};
  return { model, input: inputs, encoding_format: "float", ...cut };
}

/** What each program calls the options that OpenAI has no name for. */
const EXTRA_OPTIONS: Readonly<Record<Flavour, Partial<Record<keyof ModelOptions, string>>>> = {
  vllm: { top_k: "top_k", min_p: "min_p", repeat_penalty: "repetition_penalty" },
  sglang: { top_k: "top_k", min_p: "min_p", repeat_penalty: "repetition_penalty" },
  llamacpp: {
    top_k: "top_k",
    min_p: "min_p",
    typical_p: "typical_p",
    repeat_penalty: "repeat_penalty",
    repeat_last_n: "repeat_last_n",
  },
  ours: { top_k: "top_k", min_p: "min_p", repeat_penalty: "repeat_penalty", num_ctx: "num_ctx" },
  ollama: {},
  other: {},
};

function samplingFields(options: ModelOptions, flavour: Flavour): Body {
  const { temperature, top_p, seed, presence_penalty, frequency_penalty, stop, num_predict } = options;
  const fields: Body = {
    temperature,
    top_p,
    presence_penalty,
    frequency_penalty,
    ...(seed === undefined || seed < 0 ? {} : { seed }),
    ...(stop === undefined || stop.length === 0 ? {} : { stop }),
    ...(num_predict === undefined || num_predict <= 0 ? {} : { max_tokens: num_predict }),
  };
  for (const [option, name] of Object.entries(EXTRA_OPTIONS[flavour])) {
    fields[name] = options[option as keyof ModelOptions];
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function formatFields(format: AnswerFormat, facts: EngineFacts, route: "chat" | "text"): Body {
  switch (format.kind) {
    case "free":
      return {};
    case "json":
      return route === "chat" ? { response_format: { type: "json_object" } } : schemaForText({ type: "object" }, facts);
    case "schema":
      return route === "chat"
        ? { response_format: { type: "json_schema", json_schema: { name: "answer", schema: format.schema } } }
        : schemaForText(format.schema, facts);
    case "grammar":
      return grammarFields(format.grammar, facts);
    default:
      return format satisfies never;
  }
}

function schemaForText(schema: Readonly<Record<string, unknown>>, facts: EngineFacts): Body {
  switch (facts.flavour) {
    case "vllm":
      return hasStructuredOutputs(facts.version) ? { structured_outputs: { json: schema } } : { guided_json: schema };
    case "sglang":
      return { json_schema: JSON.stringify(schema) };
    case "llamacpp":
      return { json_schema: schema };
    default:
      throw new AppError("invalid", "the engine that serves this model cannot hold a plain completion to a format");
  }
}

function grammarFields(grammar: string, facts: EngineFacts): Body {
  switch (facts.flavour) {
    case "vllm":
      return hasStructuredOutputs(facts.version) ? { structured_outputs: { grammar } } : { guided_grammar: grammar };
    case "sglang":
      return { ebnf: grammar };
    case "llamacpp":
      return { grammar };
    default:
      throw new AppError("invalid", "the engine that serves this model takes no grammar; use a JSON schema (format)");
  }
}

/** vLLM renamed its guided_… fields in 0.11; what does not say its version is taken for a new one. */
function hasStructuredOutputs(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return version === "" || Number.isNaN(minor) || major > 0 || minor >= 11;
}

/** Engines that render chat templates themselves pass switches on to them; others have OpenAI's effort. */
function thinkFields({ set, on, level }: Think, flavour: Flavour): Body {
  if (!set) return {};
  const effort = level === "max" ? "high" : level;
  switch (flavour) {
    case "vllm":
    case "sglang":
    case "llamacpp":
      return {
        chat_template_kwargs: { enable_thinking: on, thinking: on },
        ...(on && effort !== undefined ? { reasoning_effort: effort } : {}),
      };
    case "ollama":
    case "ours":
      return { reasoning_effort: on ? (level ?? "medium") : "none" };
    case "other":
      return { reasoning_effort: on ? (effort ?? "medium") : "none" };
    default:
      return flavour satisfies never;
  }
}

function toolFields({ tools, toolChoice: choice, parallelToolCalls }: RemoteChat, flavour: Flavour): Body {
  if (tools.length === 0) return {};
  const offered = { tools, ...(parallelToolCalls ? {} : { parallel_tool_calls: false }) };
  if (choice === "auto") return offered;
  if (typeof choice === "string") return { ...offered, tool_choice: choice };
  // llama-server passes over every choice that is no word; one tool to choose from comes to the same.
  if (flavour === "llamacpp")
    return { ...offered, tools: tools.filter((tool) => tool.function.name === choice.name), tool_choice: "required" };
  return { ...offered, tool_choice: { type: "function", function: { name: choice.name } } };
}

function biasFields(bias: readonly (readonly [number, number])[]): Body {
  return bias.length === 0 ? {} : { logit_bias: Object.fromEntries(bias) };
}

/** OpenAI ties results to calls by id; Ollama's messages may have none, and mean the order. */
export function withCallIds(messages: readonly ChatMessage[]): ChatMessage[] {
  let count = 0;
  let open: { id: string; name: string }[] = [];
  return messages.map((message) => {
    if (message.role === "tool") {
      const at = open.findIndex(({ id, name }) =>
        message.toolCallId === undefined
          ? message.toolName === undefined || message.toolName === name
          : message.toolCallId === id,
      );
      const [call] = at < 0 ? [] : open.splice(at, 1);
      const toolCallId = message.toolCallId ?? call?.id ?? `call_${count}`;
      return { ...message, toolCallId };
    }
    if (message.toolCalls === undefined) return message;
    const toolCalls = message.toolCalls.map((call) => ({ ...call, id: call.id ?? `call_${count++}` }));
    open = toolCalls.map(({ id, name }) => ({ id, name }));
    return { ...message, toolCalls };
  });
}

function wireMessage(message: ChatMessage, flavour: Flavour): Body {
  const { role, content, thinking, toolCalls, toolCallId, images = [] } = message;
  const calls = (toolCalls ?? []).map(({ id, name, arguments: args }) => ({
    id,
    type: "function",
    function: { name, arguments: JSON.stringify(args) },
  }));
  const thought = flavour === "ours" || flavour === "ollama" ? "reasoning" : "reasoning_content";
  return {
    role,
    content: images.length === 0 ? content : contentParts(content, images),
    // OpenAI's own API refuses fields that it does not know.
    ...(thinking === undefined || thinking === "" || flavour === "other" ? {} : { [thought]: thinking }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
    ...(toolCallId === undefined ? {} : { tool_call_id: toolCallId }),
  };
}
