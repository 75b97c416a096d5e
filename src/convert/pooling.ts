// How sentence-transformers makes one vector of many: modules.json names a pooling module, whose config names the way.

import { AppError } from "../base/errors.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { Fields, isRecord } from "./json.ts";
import { flag, type Metadata, uint } from "./values.ts";

/** llama.h, enum llama_pooling_type. */
const POOLING = { mean: 1, cls: 2, lasttoken: 3 } as const;
type Pooling = keyof typeof POOLING;

const MODE_FLAGS: readonly (readonly [string, Pooling])[] = [
  ["pooling_mode_mean_tokens", "mean"],
  ["pooling_mode_cls_token", "cls"],
  ["pooling_mode_lasttoken", "lasttoken"],
];

export function poolingMetadata(architecture: string, checkpoint: Checkpoint): Metadata {
  const modules = modulesOf(checkpoint);
  const kinds = modules.map(({ kind }) => kind);
  if (kinds.includes("Dense")) {
    throw new AppError("unsupported", "modules.json: a Dense layer after pooling is not supported");
  }
  const pooling = modules.find(({ kind }) => kind === "Pooling");
  // sentence-transformers takes the mean where nothing is said.
  const mode = pooling === undefined ? "mean" : modeOf(checkpoint, `${pooling.path}/config.json`);
  return new Map([
    [`${architecture}.pooling_type`, uint(POOLING[mode])],
    [`${architecture}.normalize_embeddings`, flag(kinds.includes("Normalize"))],
  ]);
}

/** Types are Python classes, "sentence_transformers.models.Pooling": the last part is what they are. */
function modulesOf(checkpoint: Checkpoint): { kind: string; path: string }[] {
  const list = checkpoint.json("modules.json");
  if (list === undefined) return [];
  if (!Array.isArray(list) || !list.every(isRecord))
    throw new AppError("invalid", "modules.json must be a list of objects");
  return list.map((entry) => {
    const fields = new Fields(entry, "modules.json");
    return { kind: fields.text("type")?.split(".").at(-1) ?? "", path: fields.text("path") ?? "" };
  });
}

function modeOf(checkpoint: Checkpoint, file: string): Pooling {
  const config = checkpoint.object(file);
  if (config === undefined) throw new AppError("invalid", `${file} is missing: it says how vectors are pooled`);
  const named = config.text("pooling_mode");
  const found = named === undefined ? MODE_FLAGS.filter(([field]) => config.flag(field) === true) : [];
  const mode = named ?? (found.length === 1 ? found[0]?.[1] : undefined);
  if (mode === "mean" || mode === "cls" || mode === "lasttoken") return mode;
  throw new AppError("unsupported", `${file}: only mean, cls or last-token pooling can be run`);
}

/** Tokens of a text that sentence-transformers looks at; it cuts the rest off. */
export function inputLimit(checkpoint: Checkpoint): number | undefined {
  return checkpoint.object("sentence_bert_config.json")?.count("max_seq_length");
}
