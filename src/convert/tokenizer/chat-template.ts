// The chat template, wherever a model keeps it: a file of its own wins, as in transformers.

import { AppError } from "../../base/errors.ts";
import type { Checkpoint } from "../checkpoint.ts";
import { isRecord } from "../json.ts";

export function chatTemplateOf(checkpoint: Checkpoint): string | undefined {
  return (
    checkpoint.text("chat_template.jinja") ??
    checkpoint.object("chat_template.json")?.text("chat_template") ??
    configured(checkpoint.object("tokenizer_config.json")?.record["chat_template"])
  );
}

/** One text, or a list of named ones, of which "default" is for chats. */
function configured(value: unknown): string | undefined {
  if (value === undefined || value === null || typeof value === "string") return value ?? undefined;
  if (!Array.isArray(value)) throw new AppError("invalid", "tokenizer_config.json: invalid chat_template");
  const entry: unknown = value.find((each) => isRecord(each) && each["name"] === "default");
  return isRecord(entry) && typeof entry["template"] === "string" ? entry["template"] : undefined;
}
