// What a model can do, computed as Ollama does (spec 2.54; server/images.go, Capabilities).

import { AppError } from "../base/errors.ts";
import { chooseDialogFormat, type DialogFormat } from "../chat/dialog-format.ts";
import type { GgufFacts } from "../formats/gguf/facts.ts";
import { familyFor } from "../chat/output-parser.ts";
import { specialTokenText } from "./special-token-text.ts";
import { withGguf } from "./gguf-file.ts";
import type { OpenedModel } from "./opened-model.ts";

export type Capability = "completion" | "tools" | "insert" | "vision" | "embedding" | "thinking" | "image" | "audio";

/** The format of a model with the facts of its weights as they were then. */
const remembered = new WeakMap<OpenedModel, { readonly facts: GgufFacts | undefined; readonly format: DialogFormat }>();

/** The model's dialog format; the weights are opened for their Jinja template and special tokens. */
export function dialogFormatOf(model: OpenedModel, preferGo: boolean | undefined): DialogFormat {
  const path = model.weightsPath;
  const facts = path === undefined ? undefined : model.facts();
  const known = remembered.get(model);
  if (known !== undefined && known.facts === facts) return known.format;
  const special =
    path === undefined
      ? undefined
      : withGguf(path, (gguf) => ({ bos: specialTokenText(gguf, "bos"), eos: specialTokenText(gguf, "eos") }));
  const format = chooseDialogFormat({
    renderer: model.config.renderer,
    parser: model.config.parser,
    goTemplate: model.template,
    jinja: facts?.chatTemplate,
    bosText: special?.bos ?? "",
    eosText: special?.eos ?? "",
    architecture: facts?.architecture ?? model.config.model_family,
    preferGo,
  });
  remembered.set(model, { facts, format });
  return format;
}

/** `fromList`: /api/tags leaves GGUF chat templates out of account (spec 2.49). Unreadable weights give what the config says. */
export function capabilitiesOf(model: OpenedModel, preferGo: boolean | undefined, fromList = false): Capability[] {
  const found = new Set<Capability>((model.config.capabilities ?? []) as Capability[]);
  // What nearly every engine elsewhere can do; it is not asked, since lists must work without it.
  if (found.size === 0 && model.config.remote_host !== undefined) return ["completion", "tools"];
  try {
    addFromWeights(model, preferGo, fromList, found);
  } catch (error) {
    if (!(error instanceof AppError) && !(error instanceof Error && "syscall" in error)) throw error;
  }
  const family = familyFor(model.config.parser ?? "");
  if (family?.supportsTools === true) found.add("tools");
  if (family?.supportsThinking === true) found.add("thinking");
  if (model.config.model_family === "gptoss" || model.config.model_family === "gpt-oss") found.add("thinking");
  return [...found];
}

function addFromWeights(
  model: OpenedModel,
  preferGo: boolean | undefined,
  fromList: boolean,
  found: Set<Capability>,
): void {
  const facts = model.weightsPath === undefined ? undefined : model.facts();
  const format = dialogFormatOf(model, preferGo);
  if (format.kind === "jinja" && !fromList) {
    if (format.usesTools) found.add("tools");
    if (format.usesThinking) found.add("thinking");
  }
  if (facts !== undefined) found.add(facts.hasPoolingType ? "embedding" : "completion");
  if (model.projectorPaths.length > 0) found.add("vision");
  if (format.kind === "jinja" || format.kind === "plain") return;
  if (format.usesTools) found.add("tools");
  if (format.usesSuffix) found.add("insert");
  if (format.usesThinking) found.add("thinking");
}
