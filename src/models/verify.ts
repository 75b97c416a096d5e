// Hashes every blob that a model needs and tells which are damaged, and whose they are. Writes nothing but notes about that.

import { createReadStream } from "node:fs";
import { type Digest, DigestStream } from "../base/digest.ts";
import { AppError, toAppError } from "../base/errors.ts";
import type { ModelStore } from "./store.ts";

export type VerifyEvent =
  | { readonly kind: "progress"; readonly doneBytes: number; readonly totalBytes: number }
  | { readonly kind: "damaged"; readonly blob: DamagedBlob }
  | { readonly kind: "unreadable"; readonly model: string; readonly reason: string }
  | { readonly kind: "done"; readonly models: number; readonly blobs: number; readonly totalBytes: number };

export interface DamagedBlob {
  readonly digest: Digest;
  readonly path: string;
  /** "missing", or how it differs. */
  readonly reason: string;
  /** It is noted as damaged, so that a pull or create replaces it; else it stands in their way. */
  readonly isMarked: boolean;
  /** Names of the models that need it. */
  readonly models: readonly string[];
}

interface Wanted {
  readonly size: number;
  readonly models: string[];
}

export async function* verifyStore(store: ModelStore): AsyncGenerator<VerifyEvent, void, undefined> {
  const wanted = new Map<Digest, Wanted>();
  let models = 0;
  for (const name of await store.names()) {
    try {
      const model = await store.find(name);
      if (model === undefined) continue;
      models += 1;
      for (const { digest, size } of [model.manifest.config, ...model.manifest.layers]) {
        const known = wanted.get(digest);
        if (known === undefined) wanted.set(digest, { size, models: [name.display] });
        else if (!known.models.includes(name.display)) known.models.push(name.display);
      }
    } catch (error) {
      yield { kind: "unreadable", model: name.display, reason: toAppError(error).message };
    }
  }
  const totalBytes = [...wanted.values()].reduce((sum, { size }) => sum + size, 0);
  let before = 0;
  for (const [digest, { size, models: users }] of wanted) {
    let reason: string | undefined;
    try {
      for await (const bytes of hashed(store, digest, size)) {
        yield { kind: "progress", doneBytes: before + Math.min(bytes, size), totalBytes };
      }
    } catch (error) {
      reason = toAppError(error).message;
    }
    if (reason === undefined) await store.blobs.damage.clear(digest).catch(() => {});
    else {
      const isMarked = await store.blobs.markDamaged(digest);
      yield { kind: "damaged", blob: { digest, path: store.blobs.path(digest), reason, isMarked, models: users } };
    }
    before += size;
    yield { kind: "progress", doneBytes: before, totalBytes };
  }
  yield { kind: "done", models, blobs: wanted.size, totalBytes };
}

/** Yields how many bytes are done; throws when they are not what the digest promises. */
async function* hashed(store: ModelStore, digest: Digest, size: number): AsyncGenerator<number, void, undefined> {
  const actual = await store.blobs.fileSize(digest);
  if (actual === undefined) throw new AppError("not-found", "missing");
  if (actual !== size) throw new AppError("invalid", `${actual} bytes long instead of ${size}`);
  const hash = new DigestStream();
  for await (const chunk of createReadStream(store.blobs.path(digest), { highWaterMark: 4 * 1024 * 1024 })) {
    hash.update(chunk as Uint8Array);
    yield hash.bytes;
  }
  if (hash.digest() !== digest) throw new AppError("invalid", "its content does not have its hash");
}
