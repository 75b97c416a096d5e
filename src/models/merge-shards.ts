// Shards of a split GGUF ("x-00001-of-00003.gguf") → one blob. Every program that reads Ollama's store expects a model to be one
// file, so that is what they become, streamed tensor by tensor; the key-values of the first shard are copied byte for byte.

import { open } from "node:fs/promises";
import type { ProgressResponse } from "../api/schema/models.ts";
import type { Digest } from "../base/digest.ts";
import { AppError } from "../base/errors.ts";
import { AsyncQueue } from "../base/queue.ts";
import { alignUp, type Gguf } from "../formats/gguf/header.ts";
import { ggufSplit, type GgufSplit } from "../formats/gguf/kind.ts";
import type { GgufTensor } from "../formats/gguf/tensors.ts";
import { encodeHeader, type GgufWriteValue } from "../formats/gguf/write.ts";
import type { BlobStore } from "./blobs.ts";
import { withGguf } from "./gguf-file.ts";

export interface NamedBlob {
  readonly name: string;
  readonly digest: Digest;
}

interface Shard extends NamedBlob {
  readonly split: GgufSplit;
  readonly tensors: readonly GgufTensor[];
  readonly dataOffset: number;
}

const SHARD_NAME = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/;
const CHUNK_BYTES = 4 * 1024 * 1024;

/** The files with each set of shards replaced by its whole. Throws `invalid`, naming what is missing. */
export async function* mergeShards(
  blobs: BlobStore,
  files: readonly NamedBlob[],
  signal: AbortSignal,
): AsyncGenerator<ProgressResponse, NamedBlob[], undefined> {
  const whole: NamedBlob[] = [];
  const sets = new Map<string, Shard[]>();
  for (const file of files) {
    const shard = withGguf(blobs.path(file.digest), (gguf) => shardOf(file, gguf));
    if (shard === undefined) {
      whole.push(file);
      continue;
    }
    const { prefix } = nameParts(shard);
    const set = sets.get(prefix);
    if (set === undefined) sets.set(prefix, [shard]);
    else set.push(shard);
  }
  for (const [prefix, set] of sets) whole.push(yield* mergeSet(blobs, `${prefix}.gguf`, complete(prefix, set), signal));
  return whole;
}

function shardOf(file: NamedBlob, gguf: Gguf): Shard | undefined {
  const split = ggufSplit(gguf);
  return split === undefined ? undefined : { ...file, split, tensors: gguf.tensors, dataOffset: gguf.dataOffset };
}

function nameParts({ name, split }: Shard): { readonly prefix: string } {
  const [, prefix, number, count] = SHARD_NAME.exec(name) ?? [];
  if (prefix === undefined) {
    // Ollama's words (server/create.go, splitGGUFGroupKey).
    throw new AppError("invalid", `split GGUF ${JSON.stringify(name)} must use llama.cpp split filename pattern`);
  }
  if (Number(number) - 1 !== split.index || Number(count) !== split.count) {
    const says = `${split.index + 1} of ${split.count}`;
    throw new AppError(
      "invalid",
      `split GGUF ${JSON.stringify(name)} was renamed: its content says that it is ${says}`,
    );
  }
  return { prefix };
}

/** In order, none missing. */
function complete(prefix: string, set: readonly Shard[]): Shard[] {
  const count = set[0]?.split.count ?? 0;
  const ordered = [...set].sort((a, b) => a.split.index - b.split.index);
  const present = new Set(ordered.map(({ split }) => split.index));
  const missing = Array.from({ length: count }, (_, index) => index).filter((index) => !present.has(index));
  if (missing.length > 0) {
    const names = missing.slice(0, 5).map((index) => shardName(prefix, index, count));
    const more = missing.length > names.length ? ` and ${missing.length - names.length} more` : "";
    throw new AppError("invalid", `the split GGUF is incomplete: ${names.join(", ")}${more} missing`);
  }
  if (ordered.length !== count) throw new AppError("invalid", `the split GGUF ${prefix} has a shard twice`);
  const tensors = ordered.flatMap((shard) => shard.tensors);
  const expected = ordered[0]?.split.tensorCount ?? tensors.length;
  if (tensors.length !== expected || new Set(tensors.map(({ name }) => name)).size !== expected) {
    throw new AppError(
      "invalid",
      `the shards of ${prefix} hold ${tensors.length} tensors, not the ${expected} they should`,
    );
  }
  return ordered;
}

function shardName(prefix: string, index: number, count: number): string {
  const digits = (value: number) => String(value).padStart(5, "0");
  return `${prefix}-${digits(index + 1)}-of-${digits(count)}.gguf`;
}

async function* mergeSet(
  blobs: BlobStore,
  name: string,
  shards: readonly Shard[],
  signal: AbortSignal,
): AsyncGenerator<ProgressResponse, NamedBlob, undefined> {
  const status = `merging ${shards.length} shards`;
  const total = shards.flatMap(({ tensors }) => tensors).reduce((sum, { byteSize }) => sum + byteSize, 0);
  const lines = new AsyncQueue<ProgressResponse>();
  let completed = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of mergedBytes(blobs, shards)) {
      yield chunk;
      completed = Math.min(total, completed + chunk.length);
      const line = { status, digest: "0".repeat(19), total, completed };
      // A reader that is slow gets the newest figure only.
      if (lines.last === undefined) lines.push(line);
      else lines.replaceLast(line);
    }
  };
  const stored = blobs.store(counted(), signal).finally(() => lines.end());
  // Awaited below; a failure must not count as unhandled before that.
  stored.catch(() => {});
  yield* lines;
  return { name, digest: (await stored).digest };
}

async function* mergedBytes(blobs: BlobStore, shards: readonly Shard[]): AsyncGenerator<Uint8Array, void, undefined> {
  const [first] = shards;
  if (first === undefined) return;
  const { metadata, alignment, isNamed } = withGguf(blobs.path(first.digest), keyValues);
  const tensors = shards.flatMap((shard) =>
    shard.tensors.map(({ name, type, shape }) => ({ name, type: type.id, shape, data: new Uint8Array() })),
  );
  yield encodeHeader({ metadata, tensors, ...(isNamed ? { alignment } : {}) });
  for (const shard of shards) {
    const file = await open(blobs.path(shard.digest), "r");
    try {
      for (const tensor of shard.tensors) {
        const start = shard.dataOffset + tensor.offset;
        for (let at = 0; at < tensor.byteSize; at += CHUNK_BYTES) {
          const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, tensor.byteSize - at));
          const { bytesRead } = await file.read(chunk, 0, chunk.length, start + at);
          if (bytesRead !== chunk.length) throw new AppError("internal", `${shard.name} ended early`);
          yield chunk;
        }
        const padding = alignUp(tensor.byteSize, alignment) - tensor.byteSize;
        if (padding > 0) yield new Uint8Array(padding);
      }
    } finally {
      await file.close();
    }
  }
}

function keyValues(gguf: Gguf): { metadata: Map<string, GgufWriteValue>; alignment: number; isNamed: boolean } {
  const metadata = new Map<string, GgufWriteValue>();
  for (const key of gguf.metadata.entries.keys()) {
    if (key.startsWith("split.") || key === "general.alignment") continue;
    metadata.set(key, { type: "raw", bytes: gguf.rawValue(key) });
  }
  return { metadata, alignment: gguf.alignment, isNamed: gguf.metadata.entries.has("general.alignment") };
}
