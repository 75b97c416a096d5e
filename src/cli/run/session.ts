// The state of a conversation on the command line: what /set changes, what a request is made of.

import type { Message } from "../../api/schema/message.ts";
import type { ShowResponse } from "../../api/schema/models.ts";
import type { ParameterValue } from "../../formats/modelfile/parameters.ts";

export interface Session {
  model: string;
  /** What the model was made from; "" where that is unknown. */
  parentModel: string;
  /** The model's own MESSAGEs: the server adds them to each request by itself. */
  loadedMessages: readonly Message[];
  messages: Message[];
  system: string;
  options: Record<string, ParameterValue>;
  /** undefined: free text. */
  format: unknown;
  keepAlive: string | number | undefined;
  /** Levels other than the known ones are left to the server to judge. */
  think: boolean | string | undefined;
  isThinkChosen: boolean;
  hidesThinking: boolean;
  wrapsWords: boolean;
  isVerbose: boolean;
  /** Paths of images and sounds in a prompt are replaced by what they hold. */
  takesFiles: boolean;
}

/** Takes over what `show` says about the model. */
export function applyModel(session: Session, model: string, shown: ShowResponse): void {
  const capabilities = shown.capabilities ?? [];
  session.model = model;
  session.parentModel = shown.details.parent_model;
  session.loadedMessages = shown.messages ?? [];
  // Unset is not the same as off: only a model that cannot think is left alone.
  if (!session.isThinkChosen) session.think = capabilities.includes("thinking") ? true : undefined;
  session.takesFiles =
    // Whether it can see is known where it is served; who cannot, says so.
    (shown.remote_host ?? "") !== "" ||
    capabilities.includes("vision") ||
    capabilities.includes("audio") ||
    Object.keys(shown.projector_info ?? {}).length > 0 ||
    Object.keys(shown.model_info).some((key) => key.includes(".vision."));
}

/** The fields that generate and chat requests have in common. */
export function requestFields({ model, options, format, keepAlive, think }: Session) {
  return {
    model,
    ...(Object.keys(options).length === 0 ? {} : { options }),
    ...(format === undefined ? {} : { format }),
    ...(keepAlive === undefined ? {} : { keep_alive: keepAlive }),
    ...(think === undefined ? {} : { think }),
  };
}

/** The system text, as the first message of a fresh conversation. */
export function freshMessages({ system }: Pick<Session, "system">): Message[] {
  return system === "" ? [] : [{ role: "system", content: system }];
}
