// Questions → bodies of another Ollama, or of another one of this program. Pure. What Ollama itself would pass over in silence
// is refused, unless the server there is one of ours.

import { AppError } from "../../base/errors.ts";
import type { Think } from "../../chat/dialog-format.ts";
import type { ChatMessage } from "../../chat/message.ts";
import type { AnswerFormat } from "../model.ts";
import type { EngineFacts } from "./engine-facts.ts";
import type { RemoteChat, RemotePrompt } from "./question.ts";

type Body = Record<string, unknown>;

export function ollamaChatBody(question: RemoteChat, facts: EngineFacts): Body {
  const { messages, tools, toolChoice, think } = question;
  const offered = toolChoice === "none" ? [] : tools;
  return {
    ...sharedFields(question, facts),
    messages: messages.map(wireMessage),
    ...(offered.length === 0 ? {} : { tools: offered }),
    ...(offered.length === 0 || toolChoice === "auto" ? {} : choiceField(toolChoice, facts)),
    ...thinkField(think),
  };
}

export function ollamaPromptBody(question: RemotePrompt & { readonly raw: boolean }, facts: EngineFacts): Body {
  const { prompt, suffix, system, template, context, raw, images = [], think } = question;
  return {
    ...sharedFields(question, facts),
    prompt,
    ...(suffix === "" ? {} : { suffix }),
    ...(raw ? { raw: true } : {}),
    ...(system === "" ? {} : { system }),
    ...(template === undefined ? {} : { template }),
    ...(context === undefined ? {} : { context }),
    ...(images.length === 0 ? {} : { images }),
    ...thinkField(think),
  };
}

type Shared = Pick<RemoteChat, "model" | "options" | "format" | "logitBias" | "logprobs" | "truncate" | "shift">;

function sharedFields(question: Shared, facts: EngineFacts): Body {
  const { model, options, logprobs, truncate, shift, logitBias } = question;
  if (logitBias.length > 0)
    throw new AppError("invalid", "logit_bias cannot be passed on to the Ollama that serves this model");
  return {
    model,
    stream: true,
    options,
    truncate,
    shift,
    ...formatField(question.format, facts),
    ...(logprobs === undefined ? {} : { logprobs: true, top_logprobs: logprobs }),
  };
}

function formatField(format: AnswerFormat, { flavour }: EngineFacts): Body {
  switch (format.kind) {
    case "free":
      return {};
    case "json":
      return { format: "json" };
    case "schema":
      return { format: format.schema };
    case "grammar":
      if (flavour === "ours") return { grammar: format.grammar };
      throw new AppError("invalid", "the Ollama that serves this model takes no grammar; use a JSON schema (format)");
    default:
      return format satisfies never;
  }
}

function choiceField(choice: RemoteChat["toolChoice"], { flavour }: EngineFacts): Body {
  if (flavour !== "ours")
    throw new AppError("invalid", "tool_choice cannot be enforced by the Ollama that serves this model");
  return { tool_choice: typeof choice === "string" ? choice : { type: "function", function: { name: choice.name } } };
}

function thinkField({ set, on, level }: Think): Body {
  return set ? { think: on ? (level ?? true) : false } : {};
}

function wireMessage(message: ChatMessage): Body {
  const { role, content, thinking, toolCalls, toolName, toolCallId, images = [] } = message;
  return {
    role,
    content,
    ...(images.length === 0 ? {} : { images }),
    ...(thinking === undefined ? {} : { thinking }),
    ...(toolName === undefined ? {} : { tool_name: toolName }),
    ...(toolCallId === undefined ? {} : { tool_call_id: toolCallId }),
    ...(toolCalls === undefined
      ? {}
      : {
          tool_calls: toolCalls.map(({ id, name, arguments: args }) => ({ id, function: { name, arguments: args } })),
        }),
  };
}
