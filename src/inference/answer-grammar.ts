// The grammar an answer must follow, from the request's format and tool choice. It begins behind the model's thinking.

import { AppError } from "../base/errors.ts";
import type { DialogFormat } from "../chat/dialog-format.ts";
import { toolGrammar } from "../chat/tool-grammar.ts";
import { checkGrammar } from "../formats/grammar/gbnf-check.ts";
import { JSON_GRAMMAR } from "../formats/grammar/json-grammar.ts";
import { schemaToGrammar } from "../formats/grammar/schema-to-gbnf.ts";
import type { AskSettings, ChatQuestion } from "./model.ts";

export interface AnswerGrammar {
  readonly text: string;
  /** The grammar begins behind this text; undefined: at once. */
  readonly after: string | undefined;
}

/**
 * Throws `invalid` for a schema or grammar that cannot be honoured: it is never silently off. `prompt` tells whether the
 * answer begins inside a thinking block.
 */
export function grammarFor(
  question: AskSettings,
  format: DialogFormat | undefined,
  thinking: boolean,
  chat?: ChatQuestion,
): AnswerGrammar | undefined {
  const text = chat === undefined ? formatGrammar(question) : (choiceGrammar(chat, format) ?? formatGrammar(question));
  if (text === undefined) return undefined;
  return { text, after: thinking ? format?.thinkingEnd : undefined };
}

function formatGrammar({ format }: AskSettings): string | undefined {
  switch (format.kind) {
    case "free":
      return undefined;
    case "json":
      return JSON_GRAMMAR;
    case "schema":
      // A schema that says nothing asks for any object, as in llama.cpp.
      return Object.keys(format.schema).length === 0 ? JSON_GRAMMAR : schemaToGrammar(format.schema);
    case "grammar":
      checkGrammar(format.grammar);
      return format.grammar;
    default:
      return format satisfies never;
  }
}

function choiceGrammar(
  { tools, toolChoice, parallelToolCalls }: ChatQuestion,
  format: DialogFormat | undefined,
): string | undefined {
  if (toolChoice === "auto" || toolChoice === "none") return undefined;
  const chosen =
    typeof toolChoice === "string" ? tools : tools.filter((tool) => tool.function.name === toolChoice.name);
  if (chosen.length === 0) {
    const name = typeof toolChoice === "string" ? "" : toolChoice.name;
    throw new AppError(
      "invalid",
      name === ""
        ? "tool_choice asks for a call, but no tools were given"
        : `tool_choice names '${name}', which is not among the tools`,
    );
  }
  const envelope = format?.family.toolEnvelope;
  if (envelope === undefined)
    throw new AppError("invalid", "tool_choice cannot be enforced with this model's way of calling tools");
  return toolGrammar(envelope, chosen, parallelToolCalls && typeof toolChoice === "string");
}
