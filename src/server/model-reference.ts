// What a client wrote as a model's name → a model to ask. ":cloud" and "-cloud" ask for ollama.com, which this server never
// calls; ":local" is accepted and means nothing more (Ollama: internal/modelref).

import { AppError } from "../base/errors.ts";
import { goQuote } from "../base/go-text.ts";
import type { AskableModel } from "../inference/model.ts";
import { ModelName } from "../models/name.ts";
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

/** Blanks around a name mean nothing. Throws `invalid` for a name that is to be both. */
function readReference(sent: string): { readonly base: string; readonly source: Source } {
  const text = sent.trim();
  const reference = splitSource(text);
  if (reference.source !== undefined && splitSource(reference.base).source !== undefined) {
    throw new AppError("invalid", `use either :local or :cloud, not both: ${goQuote(text)}`);
  }
  return reference;
}

/** The name without ":local". Throws `invalid` for what is no name, and `forbidden` for a cloud model. */
export function localName(sent: string, refused = "remote model is unavailable"): ModelName {
  const { base, source } = readReference(sent);
  const name = ModelName.parse(base);
  if (source === "cloud") throw new AppError("forbidden", `ollama cloud is disabled: ${refused}`);
  return name;
}

/** The name that a manifest has on a disk or in a registry: that of a cloud model keeps its mark, in one way of writing it. */
export function storedName(sent: string): string {
  const { base, source } = readReference(sent);
  if (source !== "cloud") return base;
  return base.lastIndexOf(":") > base.lastIndexOf("/") ? `${base}-cloud` : `${base}:cloud`;
}

/** Throws `not-found` with the name as it was sent. */
export function openNamed({ inference }: Pick<Services, "inference">, sent: string): Promise<AskableModel> {
  return inference.open(localName(sent), sent, currentRequest()?.asker);
}
