// The last step that every dialect's chat takes: from what was asked to a question for an opened model, refusing what this
// model cannot do in Ollama's words (server/routes.go, ChatHandler).

import { AppError } from "../base/errors.ts";
import type { AskableModel, ChatQuestion } from "../inference/model.ts";
import { openNamed } from "./model-reference.ts";
import { checkImages, thinkOf } from "./request-settings.ts";
import type { Services } from "./services.ts";

/** A question whose thinking is not decided yet: that depends on the model. */
export interface ChatDraft extends Omit<ChatQuestion, "think"> {
  /** As in /api/chat: undefined, a boolean or a level. */
  readonly think: unknown;
  /** Thinking that the model cannot do is dropped instead of refused. */
  readonly relaxThinking: boolean;
}

export interface OpenedChat {
  readonly model: AskableModel;
  readonly question: ChatQuestion;
}

export async function openChat(
  services: Pick<Services, "inference">,
  sent: string,
  draft: ChatDraft,
): Promise<OpenedChat> {
  if (sent === "") throw new AppError("invalid", "model is required");
  const model = await openNamed(services, sent);
  const { abilities } = model;
  const { think: wanted, relaxThinking, ...rest } = draft;
  const think = thinkOf(relaxThinking && !abilities.thinking ? undefined : wanted, abilities, sent);
  if (!abilities.completion) throw new AppError("invalid", `${JSON.stringify(sent)} does not support chat`);
  if (draft.tools.length > 0 && !abilities.tools) {
    throw new AppError("invalid", `${model.fullName} does not support tools`);
  }
  for (const { images } of draft.messages) checkImages(images, model, sent);
  return { model, question: { ...rest, think } };
}
