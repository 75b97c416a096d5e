// What a client wrote as a model's name → a model to ask. ":cloud" and "-cloud" ask for ollama.com, which this server never
// calls; ":local" is accepted and means nothing more (Ollama: internal/modelref).

import { AppError } from "../base/errors.ts";
import { goQuote } from "../base/go-text.ts";
import type { AskableModel } from "../inference/model.ts";
import { currentRequest } from "./request-context.ts";
import type { Services } from "./services.ts";

type Source = "local" | "cloud" | undefined;

function splitSource(text: string): { readonly base: string; readonly source: Source } {
  const colon = text.lastIndexOf(":");
  if (colon < 0) return { base: text, source: undefined };
  const tag = text.slice(colon + 1).trim();
  const lower = tag.toLowerCase();
  if (lower === "cloud" || lower === "local") return { base: text.slice(0, colon), source: lower };
  if (!tag.includes("/") && lower.endsWith("-cloud")) {
    return { base: text.slice(0, colon + 1) + tag.slice(0, -"-cloud".length), source: "cloud" };
  }
  return { base: text, source: undefined };
}

/** The name without ":local". Throws `forbidden` for a cloud model and `invalid` for one that is both. */
export function localName(sent: string): string {
  const { base, source } = splitSource(sent.trim());
  if (source === undefined) return sent;
  if (splitSource(base).source !== undefined) {
    throw new AppError("invalid", `use either :local or :cloud, not both: ${goQuote(sent.trim())}`);
  }
  if (source === "cloud") throw new AppError("forbidden", "ollama cloud is disabled: remote model is unavailable");
  return base;
}

/** Throws `not-found` with the name as it was sent. */
export function openNamed({ inference }: Pick<Services, "inference">, sent: string): Promise<AskableModel> {
  return inference.open(localName(sent), currentRequest()?.asker);
}
