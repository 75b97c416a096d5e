// The option table (spec section 2e): every model option with its type, default and effect. Modelfile PARAMETERs, request
// options and the OpenAPI document all come from it.

import { Type as t } from "@sinclair/typebox";
import { AppError } from "../../base/errors.ts";
import { logWarn } from "../../base/log.ts";

type Kind = "integer" | "float32" | "boolean" | "array";

interface Option<K extends Kind = Kind> {
  readonly kind: K;
  /** "load": belongs to the runner; "request": to one generation. */
  readonly when: "load" | "request";
}

const load = <K extends Kind>(kind: K): Option<K> => ({ kind, when: "load" });
const request = <K extends Kind>(kind: K): Option<K> => ({ kind, when: "request" });

export const optionTable = {
  num_ctx: load("integer"),
  num_batch: load("integer"),
  num_gpu: load("integer"),
  main_gpu: load("integer"),
  use_mmap: load("boolean"),
  num_thread: load("integer"),
  draft_num_predict: load("integer"),
  num_keep: request("integer"),
  seed: request("integer"),
  num_predict: request("integer"),
  top_k: request("integer"),
  top_p: request("float32"),
  min_p: request("float32"),
  typical_p: request("float32"),
  repeat_last_n: request("integer"),
  temperature: request("float32"),
  repeat_penalty: request("float32"),
  presence_penalty: request("float32"),
  frequency_penalty: request("float32"),
  stop: request("array"),
} as const satisfies Record<string, Option>;

export type OptionName = keyof typeof optionTable;
type ValueOf<K extends Kind> = K extends "boolean" ? boolean : K extends "array" ? readonly string[] : number;

/** Options that were set; the unset ones take their defaults where they are used. */
export type ModelOptions = { readonly [N in OptionName]?: ValueOf<(typeof optionTable)[N]["kind"]> };

/** Accepted and without effect: older clients still send them. */
export const retiredOptions = new Set([
  "mirostat",
  "mirostat_tau",
  "mirostat_eta",
  "penalize_newline",
  "low_vram",
  "f16_kv",
  "logits_all",
  "vocab_only",
  "use_mlock",
  "numa",
  "tfs_z",
]);

export const OptionsSchema = t.Record(t.String(), t.Unknown(), {
  description: `Model options: ${Object.keys(optionTable).join(", ")}`,
});

/** Checks types. Integers accept floats and cut them, null is ignored, an unknown name only warns. Throws `invalid`. */
export function decodeOptions(raw: Readonly<Record<string, unknown>> | undefined): ModelOptions {
  const options: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(raw ?? {})) {
    const option = Object.hasOwn(optionTable, name) ? optionTable[name as OptionName] : undefined;
    if (option === undefined) {
      if (!retiredOptions.has(name)) logWarn("invalid option provided", { option: name });
    } else if (value !== null) {
      options[name] = convert(name, option.kind, value);
    }
  }
  return options;
}

function convert(name: string, kind: Kind, value: unknown): unknown {
  const fail = (): never => {
    throw new AppError("invalid", `option "${name}" must be of type ${kind}`);
  };
  switch (kind) {
    case "integer":
      return typeof value === "number" && Number.isFinite(value) ? Math.trunc(value) : fail();
    case "float32":
      return typeof value === "number" && Number.isFinite(value) ? value : fail();
    case "boolean":
      return typeof value === "boolean" ? value : fail();
    case "array":
      if (!Array.isArray(value)) return fail();
      if (value.every((item) => typeof item === "string")) return value;
      throw new AppError("invalid", `option "${name}" must be of an array of strings`);
    default:
      return kind satisfies never;
  }
}
