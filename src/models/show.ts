// What `show` tells about a model (spec 2.51–2.53).

import { formatLocal } from "../base/rfc3339.ts";
import { shortFloat } from "../base/short-float.ts";
import { goQuote } from "../base/go-text.ts";
import type { ModelDetails, ShowRequest, ShowResponse } from "../api/schema/models.ts";
import type { Gguf } from "../formats/gguf/header.ts";
import type { GgufScalar } from "../formats/gguf/metadata.ts";
import { parameterCount } from "../formats/gguf/tensors.ts";
import type { GgufValueType } from "../formats/gguf/value-type.ts";
import { shownModelfile } from "../formats/modelfile/print.ts";
import type { Command } from "../formats/modelfile/parse.ts";
import { capabilitiesOf, dialogFormatOf } from "./capabilities.ts";
import { withGguf } from "./gguf-file.ts";
import type { OpenedModel } from "./opened-model.ts";

export function detailsOf(model: OpenedModel): ModelDetails {
  const { config } = model;
  return {
    parent_model: model.parentModel,
    format: config.model_format,
    family: config.model_family,
    families: config.model_families === null ? null : [...config.model_families],
    parameter_size: config.model_type,
    quantization_level: config.file_type,
  };
}

export function showModel(model: OpenedModel, request: ShowRequest, preferGo: boolean | undefined): ShowResponse {
  const system = request.system !== undefined && request.system !== "" ? request.system : model.system;
  const params = { ...model.params, ...request.options };
  const format = dialogFormatOf(model, preferGo);
  const weights =
    model.weightsPath === undefined
      ? undefined
      : withGguf(model.weightsPath, (gguf) => describeGguf(gguf, request.verbose === true));
  const [projectorPath] = model.projectorPaths;
  const projector =
    projectorPath === undefined
      ? undefined
      : withGguf(projectorPath, (gguf) => describeGguf(gguf, request.verbose === true));
  const license = model.licenses.join("\n");
  const parameters = parameterLines(model.params).join("\n");
  const { requires, remote_model, remote_host } = model.config;
  return {
    ...(license === "" ? {} : { license }),
    modelfile: shownModelfile(model.name.display, { commands: commandsOf(model, system, params) }),
    ...(parameters === "" ? {} : { parameters }),
    template: format.templateText,
    ...(system === "" ? {} : { system }),
    details: detailsOf(model),
    ...(model.messages.length === 0 ? {} : { messages: [...model.messages] }),
    ...(remote_model === undefined ? {} : { remote_model }),
    ...(remote_host === undefined ? {} : { remote_host }),
    model_info: weights?.info ?? {},
    ...(projector === undefined ? {} : { projector_info: projector.info }),
    ...(weights === undefined ? {} : { tensors: weights.tensors }),
    capabilities: capabilitiesOf(model, preferGo),
    modified_at: formatLocal(model.stored.modifiedNs),
    ...(requires === undefined ? {} : { requires }),
  };
}

/** One line an option value, as `show --parameters` prints them; sorted, where Ollama's order is random. */
export function parameterLines(params: Readonly<Record<string, unknown>>): string[] {
  const line = (name: string, value: unknown) =>
    `${name.padEnd(30)} ${typeof value === "string" ? goQuote(value) : String(value)}`;
  return Object.entries(params)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, value]) =>
      Array.isArray(value) ? value.map((item: unknown) => line(name, item)) : [line(name, value)],
    );
}

function commandsOf(model: OpenedModel, system: string, params: Readonly<Record<string, unknown>>): Command[] {
  const list = (name: string, values: readonly (string | undefined)[]): Command[] =>
    values.filter((value) => value !== undefined && value !== "").map((value) => ({ name, args: value ?? "" }));
  const parameters = Object.entries(params)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, value]) => list(name, Array.isArray(value) ? value.map(String) : [String(value)]));
  return [
    ...list("model", model.weightsPath === undefined ? remoteHosts(model) : [model.weightsPath]),
    ...list("remote_model", [model.config.remote_model]),
    ...list(
      "adapter",
      model.adapters.map(({ path, scale }) => (scale === 1 ? path : `${path} ${scale}`)),
    ),
    ...list("draft", [model.draftPath]),
    ...list("model", model.projectorPaths),
    // A chat template of the weights is no TEMPLATE: it is another language, and comes with the weights.
    ...list("template", isRenderedElsewhere(model) ? [] : [model.template ?? PLAIN_TEMPLATE]),
    ...list("system", [system]),
    ...list("renderer", [model.config.renderer]),
    ...list("parser", [model.config.parser]),
    ...parameters,
    ...model.licenses.map((license) => ({ name: "license", args: license })),
    ...model.messages.map(({ role, content }) => ({ name: "message", args: `${role}: ${content}` })),
  ];
}

/** What Ollama says of a model that has no TEMPLATE (template/template.go, DefaultTemplate). */
const PLAIN_TEMPLATE = "{{ .Prompt }}";

function remoteHosts({ config }: OpenedModel): string[] {
  return (config.remote_host ?? "").split(",");
}

/** Its template is the engine's own, and not known here. */
function isRenderedElsewhere({ config, template }: OpenedModel): boolean {
  return config.remote_host !== undefined && template === undefined && config.renderer === undefined;
}

const MAX_VERBOSE_ITEMS = 2_000_000;

/** Long arrays are null unless asked for; two keys are left out, one is computed (spec 2.51, 2.52). */
function describeGguf(
  gguf: Gguf,
  verbose: boolean,
): { info: Record<string, unknown>; tensors: { name: string; type: string; shape: number[] }[] } {
  const info: Record<string, unknown> = { "general.parameter_count": parameterCount(gguf.tensors) };
  for (const [key, { type, value }] of gguf.metadata.entries) {
    if (key === "general.name" || key === "tokenizer.chat_template") continue;
    if (typeof value !== "object") info[key] = jsonValue(value, type);
    else if (value.count === 0) info[key] = [];
    else
      info[key] =
        verbose && value.count <= MAX_VERBOSE_ITEMS
          ? Array.from(gguf.metadata.values(value), (item) => jsonValue(item, value.elementType))
          : null;
  }
  const sorted = Object.fromEntries(Object.entries(info).sort(([a], [b]) => (a < b ? -1 : 1)));
  const tensors = gguf.tensors.map(({ name, type, shape }) => ({ name, type: type.name, shape: [...shape] }));
  return { info: sorted, tensors };
}

function jsonValue(value: GgufScalar, type: GgufValueType): unknown {
  if (typeof value === "bigint") return Number(value);
  return type === "f32" && typeof value === "number" && Number.isFinite(value) ? shortFloat(value) : value;
}
