// A model as Hugging Face lays it out: JSON files, a tokenizer, and weights in one or more safetensors files. Knows names,
// not meanings; refuses what cannot be the whole of a model.

import { AppError } from "../base/errors.ts";
import type { GgufSource } from "../formats/gguf/source.ts";
import { readSafetensors, type SafetensorsTensor } from "../formats/safetensors/header.ts";
import { Fields, isRecord, parseJson } from "./json.ts";

/** By their names relative to the model's folder, with "/". */
export type CheckpointFiles = ReadonlyMap<string, GgufSource>;

export interface StoredTensor extends SafetensorsTensor {
  readonly file: string;
  readonly source: GgufSource;
}

const INDEX = "model.safetensors.index.json";
/** Above the largest tokenizer.json known (33 MB). */
const MAX_TEXT_BYTES = 256 * 1024 * 1024;

export class Checkpoint {
  constructor(private readonly files: CheckpointFiles) {}

  bytes(name: string): Uint8Array | undefined {
    const source = this.files.get(name);
    if (source === undefined) return undefined;
    if (source.size > MAX_TEXT_BYTES) throw new AppError("invalid", `${name} is too large for what it should be`);
    const bytes = new Uint8Array(source.size);
    const read = source.readAt(bytes, 0);
    if (read < bytes.byteLength) throw new AppError("invalid", `${name} cannot be read to its end`);
    return bytes;
  }

  text(name: string): string | undefined {
    const bytes = this.bytes(name);
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
  }

  json(name: string): unknown {
    const text = this.text(name);
    return text === undefined ? undefined : parseJson(text, name);
  }

  /** The fields of a JSON object, undefined where there is no such file. */
  object(name: string): Fields | undefined {
    const value = this.json(name);
    if (value === undefined) return undefined;
    if (!isRecord(value)) throw new AppError("invalid", `${name} must be a JSON object`);
    return new Fields(value, name);
  }

  /** Every tensor of the model's own weights; those in folders belong to modules (sentence-transformers' Dense). */
  tensors(): Map<string, StoredTensor> {
    const names = [...this.files.keys()].filter((name) => name.endsWith(".safetensors") && !name.includes("/")).sort();
    const hasHuggingFaceNames = names.some((name) => name.startsWith("model"));
    const shards = hasHuggingFaceNames ? names.filter((name) => name.startsWith("model")) : names;
    if (shards.length === 0) throw new AppError("invalid", "no safetensors files were given");
    this.#refuseMissingShards(shards);
    const tensors = new Map<string, StoredTensor>();
    for (const file of shards) {
      const source = this.files.get(file);
      if (source === undefined) continue;
      for (const tensor of readSafetensors(source, file)) {
        const twin = tensors.get(tensor.name);
        if (twin !== undefined) {
          throw new AppError("invalid", `tensor "${tensor.name}" is in both ${twin.file} and ${file}`);
        }
        tensors.set(tensor.name, { ...tensor, file, source });
      }
    }
    return tensors;
  }

  #refuseMissingShards(shards: readonly string[]): void {
    const map = this.object(INDEX)?.object("weight_map")?.record;
    const named = map === undefined ? numberedSiblings(shards) : Object.values(map).map(String);
    const missing = [...new Set(named)].filter((name) => !shards.includes(name)).sort();
    if (missing.length === 0) return;
    const shown = missing.slice(0, 8).join(", ");
    const more = missing.length > 8 ? ` and ${missing.length - 8} more` : "";
    throw new AppError("invalid", `parts of the model are missing: ${shown}${more}; download them and create it again`);
  }
}

/** Without an index, "model-00002-of-00003.safetensors" says what else there must be. */
function numberedSiblings(shards: readonly string[]): string[] {
  const match = shards.map((name) => /^(.*-)(\d+)-of-(\d+)(\.safetensors)$/.exec(name)).find((found) => found !== null);
  if (match === undefined || match === null) return [];
  const [, start = "", digits = "", total = "0", end = ""] = match;
  const count = Number(total);
  if (count > 10_000) return [];
  return Array.from(
    { length: count },
    (_, i) => `${start}${String(i + 1).padStart(digits.length, "0")}-of-${total}${end}`,
  );
}
