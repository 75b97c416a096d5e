// Blobs that are hard links to a user's own file. Each has a record of how the file looked when it was hashed; one that
// looks different is hashed again, so a changed original is found out before its bytes are used. Records stand beside the
// blobs folder, since Ollama removes from that folder whatever is no blob.

import { readFile, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { type Static, Type as t } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { writeFileAtomic } from "../base/atomic-file.ts";
import { type Digest, digestHex } from "../base/digest.ts";
import { AppError } from "../base/errors.ts";
import { type HashedFile, hashFile } from "../base/hash-file.ts";
import { type FileState, fileState, isSameState } from "../base/file-state.ts";
import { logWarn } from "../base/log.ts";

const decimal = t.String({ pattern: "^\\d{1,30}$" });
const RecordSchema = t.Object({
  origin: t.String(),
  ino: decimal,
  size: decimal,
  mtime_ns: decimal,
  ctime_ns: decimal,
  /** Looked at in this state, and found to be something else than its name says. */
  changed: t.Boolean(),
});

interface LinkRecord {
  readonly origin: string;
  readonly state: FileState;
  readonly changed: boolean;
}

export class BlobLinks {
  readonly #hashing = new Map<Digest, Promise<boolean>>();

  constructor(readonly directory: string) {}

  recordPath(digest: Digest): string {
    return join(this.directory, `sha256-${digestHex(digest)}.json`);
  }

  async write(digest: Digest, { origin, state, changed }: LinkRecord): Promise<void> {
    const { ino, size, mtimeNs, ctimeNs } = state;
    const record: Static<typeof RecordSchema> = {
      origin,
      ino: String(ino),
      size: String(size),
      mtime_ns: String(mtimeNs),
      ctime_ns: String(ctimeNs),
      changed,
    };
    await writeFileAtomic(this.recordPath(digest), `${JSON.stringify(record)}\n`, { directoryMode: 0o755 });
  }

  async #read(digest: Digest): Promise<LinkRecord | undefined> {
    let value: unknown;
    try {
      value = JSON.parse(await readFile(this.recordPath(digest), "utf8"));
    } catch {
      return undefined;
    }
    if (!Value.Check(RecordSchema, value)) return undefined;
    const { origin, changed, ino, size, mtime_ns, ctime_ns } = value;
    const state = { ino: BigInt(ino), size: BigInt(size), mtimeNs: BigInt(mtime_ns), ctimeNs: BigInt(ctime_ns) };
    return { origin, changed, state };
  }

  /** Path of the original when the blob at `path` is a link that no longer holds what `digest` says. */
  async changedOrigin(digest: Digest, path: string): Promise<string | undefined> {
    const known = await this.#current(digest, path);
    if (known === undefined) return undefined;
    const { record, now } = known;
    const changed = isSameState(now, record.state) ? record.changed : await this.#hasChanged(digest, path, record);
    return changed ? record.origin : undefined;
  }

  /** Marks as used; false when the blob is no link. The original's own times are its owner's. */
  async touch(digest: Digest, path: string): Promise<boolean> {
    if ((await this.#current(digest, path)) === undefined) return false;
    const now = new Date();
    await utimes(this.recordPath(digest), now, now).catch(() => {});
    return true;
  }

  /** Another file under the blob's name is one of its own, downloaded or uploaded since the record was made. */
  async #current(digest: Digest, path: string): Promise<{ record: LinkRecord; now: FileState } | undefined> {
    const record = await this.#read(digest);
    const now = record === undefined ? undefined : await fileState(path).catch(() => undefined);
    return record === undefined || now?.ino !== record.state.ino ? undefined : { record, now };
  }

  /** Hashes it once for all who ask. */
  #hasChanged(digest: Digest, path: string, record: LinkRecord): Promise<boolean> {
    const running = this.#hashing.get(digest);
    if (running !== undefined) return running;
    const started = this.#rehash(digest, path, record).finally(() => this.#hashing.delete(digest));
    this.#hashing.set(digest, started);
    return started;
  }

  async #rehash(digest: Digest, path: string, { origin }: LinkRecord): Promise<boolean> {
    let hashed: HashedFile;
    try {
      hashed = await hashFile(path);
    } catch {
      // It is being written to, or cannot be read.
      return true;
    }
    const changed = hashed.digest !== digest;
    if (changed) logWarn("the original of a linked blob has changed", { digest, origin });
    await this.write(digest, { origin, state: hashed.state, changed }).catch((error: unknown) =>
      logWarn("cannot note the state of a linked blob", { digest, error: String(error) }),
    );
    return changed;
  }

  async touchedMs(digest: Digest): Promise<number> {
    return stat(this.recordPath(digest)).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    );
  }

  async remove(digest: Digest): Promise<void> {
    await rm(this.recordPath(digest), { force: true });
  }
}

export function changedOriginError(origin: string): AppError {
  return new AppError(
    "internal",
    `this model uses the file ${origin} without a copy, and that file was changed since: put its content back, or create the model again (create --copy keeps a copy of its own)`,
  );
}
