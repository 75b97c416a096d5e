// What a model brings to a conversation besides the request: its MESSAGEs, its SYSTEM, its template. The same for every kind
// of model.

import { type DialogFormat, requestedFormat } from "../chat/dialog-format.ts";
import type { ChatMessage } from "../chat/message.ts";
import type { OpenedModel } from "../models/opened-model.ts";
import type { PromptQuestion } from "./model.ts";

/** MESSAGEs of the model come first; its SYSTEM leads unless the conversation brings one (spec 2.31). */
export function withModelMessages(model: OpenedModel, messages: readonly ChatMessage[]): ChatMessage[] {
  const lead = model.system !== "" && messages[0]?.role !== "system" ? [{ role: "system", content: model.system }] : [];
  return [...lead, ...model.messages, ...messages];
}

/** A prompt as the conversation it stands for. */
export function promptMessages(model: OpenedModel, question: PromptQuestion): ChatMessage[] {
  const system = question.system === "" ? model.system : question.system;
  return [
    ...(system === "" ? [] : [{ role: "system", content: system }]),
    // An earlier context holds the model's own MESSAGEs already (spec 2.20).
    ...(question.context === undefined ? model.messages : []),
    {
      role: "user",
      content: question.prompt,
      ...(question.images === undefined ? {} : { images: question.images }),
    },
  ];
}

/** The text that is sent for a prompt. `ownFormat` is asked only where the request brings no template. */
export function promptText(model: OpenedModel, question: PromptQuestion, ownFormat: () => DialogFormat): string {
  if (question.raw) return question.prompt;
  const format = question.template === undefined ? ownFormat() : requestedFormat(question.template);
  if (question.suffix !== "") return format.renderInsert(question.prompt, question.suffix);
  return format.render({ messages: promptMessages(model, question), tools: [], think: question.think });
}
