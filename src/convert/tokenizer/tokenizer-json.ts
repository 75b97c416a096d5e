// The parts of a tokenizer.json (Hugging Face tokenizers) that matter here, read as untrusted data.

import { AppError } from "../../base/errors.ts";
import type { Checkpoint } from "../checkpoint.ts";
import { Fields, isRecord, type JsonRecord } from "../json.ts";
import type { AddedToken } from "./vocabulary.ts";

const FILE = "tokenizer.json";

export interface TokenizerJson {
  readonly root: Fields;
  readonly model: Fields;
  readonly added: readonly AddedToken[];
}

export function readTokenizerJson(checkpoint: Checkpoint): TokenizerJson | undefined {
  const root = checkpoint.object(FILE);
  if (root === undefined) return undefined;
  const model = root.object("model");
  if (model === undefined) throw new AppError("invalid", `${FILE}: model is missing`);
  return { root, model, added: addedTokens(root.record["added_tokens"]) };
}

function addedTokens(list: unknown): AddedToken[] {
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list) || !list.every(isRecord))
    throw new AppError("invalid", `${FILE}: added_tokens must be a list`);
  return list.map((entry) => {
    const fields = new Fields(entry, `${FILE}: added_tokens`);
    const [id, content] = [fields.count("id"), fields.text("content")];
    if (id === undefined || content === undefined)
      throw new AppError("invalid", `${FILE}: an added token lacks id or content`);
    return { id, content, special: fields.flag("special") === true };
  });
}

/** Text → id, as BPE and WordPiece keep it. */
export function vocabularyEntries(model: Fields): [string, number][] {
  const vocabulary = model.object("vocab")?.record;
  if (vocabulary === undefined) throw new AppError("invalid", `${FILE}: model.vocab is missing`);
  const entries = Object.entries(vocabulary);
  for (const [token, id] of entries) {
    if (!Number.isSafeInteger(id) || Number(id) < 0) {
      throw new AppError("invalid", `${FILE}: token ${JSON.stringify(token)} has no valid id`);
    }
  }
  return entries as [string, number][];
}

/** Older files write "a b", newer ones ["a", "b"]. */
export function mergesOf(model: Fields): [string, string][] {
  const list = model.record["merges"];
  if (!Array.isArray(list)) throw new AppError("invalid", `${FILE}: model.merges is missing`);
  return list.map((merge: unknown) => {
    const [left, right, ...more] = typeof merge === "string" ? splitMerge(merge) : Array.isArray(merge) ? merge : [];
    if (typeof left === "string" && typeof right === "string" && more.length === 0) return [left, right];
    throw new AppError("invalid", `${FILE}: model.merges holds something that is no pair of tokens`);
  });
}

function splitMerge(merge: string): string[] {
  const space = merge.indexOf(" ", 1);
  return [merge.slice(0, space), merge.slice(space + 1)];
}

/** A step and those inside it: normalizers, pre-tokenizers and post-processors may all be a Sequence. */
export function stepsOf(root: Fields, part: "normalizer" | "pre_tokenizer" | "post_processor"): Fields[] {
  const inside = { normalizer: "normalizers", pre_tokenizer: "pretokenizers", post_processor: "processors" }[part];
  const flatten = (step: JsonRecord, depth: number): Fields[] => {
    const steps = step["type"] === "Sequence" ? step[inside] : undefined;
    if (!Array.isArray(steps) || depth > 8) return [new Fields(step, `${FILE}: ${part}`)];
    return steps.filter(isRecord).flatMap((each) => flatten(each, depth + 1));
  };
  const first = root.object(part)?.record;
  return first === undefined ? [] : flatten(first, 0);
}
