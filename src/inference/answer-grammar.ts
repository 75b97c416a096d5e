// The grammar an answer must follow, from the request's format and tool choice.

import { AppError } from "../base/errors.ts";
import type { DialogFormat } from "../chat/dialog-format.ts";
import { JSON_GRAMMAR } from "../formats/grammar/json-grammar.ts";
import { checkGrammar } from "../formats/grammar/gbnf-check.ts";
import { schemaToGrammar } from "../formats/grammar/schema-to-gbnf.ts";
import type { AskSettings } from "./model.ts";

/** Throws `invalid` for a schema or grammar that cannot be honoured: it is never silently off. */
export function grammarFor(
  question: AskSettings,
  _format: DialogFormat | undefined,
  _prompt: string,
): string | undefined {
  const { format } = question;
  switch (format.kind) {
    case "free":
      return undefined;
    case "json":
      return JSON_GRAMMAR;
    case "schema":
      return schemaToGrammar(format.schema);
    case "grammar":
      checkGrammar(format.grammar);
      return format.grammar;
    default:
      throw new AppError("internal", String(format satisfies never));
  }
}
