// The content store: files named by their own hash. The only place that turns a digest into a path.

import { mkdir, open, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { temporaryBeside } from "../base/atomic-file.ts";
import { type Digest, digestHex, digestOf, DigestStream, isDigest, parseDigest } from "../base/digest.ts";
import { AppError } from "../base/errors.ts";
import { hashFile } from "../base/hash-file.ts";
import { FileMemo } from "../base/file-memo.ts";
import { stateNow } from "../base/file-state.ts";
import { BlobLinks, changedOriginError } from "./blob-links.ts";
import { DamageMarks } from "./damage-marks.ts";

export class BlobStore {
  readonly links: BlobLinks;
  readonly damage: DamageMarks;
  /** Sizes of blobs found whole: true as long as the file stays as it was and nobody notes damage. */
  readonly #whole = new FileMemo<number>();

  constructor(readonly directory: string) {
    this.links = new BlobLinks(join(dirname(directory), "links"));
    this.damage = new DamageMarks(this.links.directory);
  }

  path(digest: Digest): string {
    return join(this.directory, `sha256-${digestHex(digest)}`);
  }

  /** Size in bytes; undefined when it is not there, is a link to a file that has become another, or is known to be damaged. */
  async size(digest: Digest): Promise<number | undefined> {
    const size = await this.fileSize(digest);
    if (size === undefined) return undefined;
    if (await this.damage.isMarked(digest, this.path(digest))) return undefined;
    return (await this.links.changedOrigin(digest, this.path(digest))) === undefined ? size : undefined;
  }

  /** Size of what is there, whether it is good or not. */
  async fileSize(digest: Digest): Promise<number | undefined> {
    const facts = await stat(this.path(digest)).catch(() => undefined);
    return facts?.isFile() === true ? facts.size : undefined;
  }

  /** Whether it is there with the size it must have. One of another size is noted as damaged, so that it can be replaced. */
  async isWhole(digest: Digest, size: number): Promise<boolean> {
    const state = stateNow(this.path(digest));
    const actual = await this.size(digest);
    if (actual === size) {
      this.#whole.keep(this.path(digest), state, size);
      return true;
    }
    if (actual !== undefined) await this.markDamaged(digest);
    return false;
  }

  /** What `isWhole` said before, without reading anything: the file has not been touched since, and is not noted as damaged. */
  isAsFoundWhole(digest: Digest, size: number): boolean {
    return this.#whole.recall(this.path(digest)) === size && !this.damage.hasMark(digest);
  }

  /** From now on it counts as absent, until another file takes its place. False when that cannot be noted here. */
  async markDamaged(digest: Digest): Promise<boolean> {
    return this.damage.mark(digest, this.path(digest)).then(
      () => true,
      () => false,
    );
  }

  /** Throws, naming the original, when the blob is a link to a file that was changed. */
  async requireUnchanged(digest: Digest): Promise<void> {
    const origin = await this.links.changedOrigin(digest, this.path(digest));
    if (origin !== undefined) throw changedOriginError(origin);
  }

  async has(digest: Digest): Promise<boolean> {
    return (await this.size(digest)) !== undefined;
  }

  /** Throws `not-found` when the blob is missing. `limitBytes` bounds what a small layer may be. */
  async readText(digest: Digest, limitBytes = 16 * 1024 * 1024): Promise<string> {
    const size = await this.size(digest);
    if (size === undefined) throw new AppError("not-found", `blob ${JSON.stringify(digest)} not found`);
    if (size > limitBytes) throw new AppError("invalid", `blob ${digest} is too large for what it should be`);
    return Bun.file(this.path(digest)).text();
  }

  stream(digest: Digest): ReadableStream<Uint8Array> {
    return Bun.file(this.path(digest)).stream();
  }

  /** Refreshes the modification time, so that a prune running elsewhere spares the blob (spec 6.07). */
  async touch(digest: Digest): Promise<void> {
    if (await this.links.touch(digest, this.path(digest))) return;
    const now = new Date();
    await utimes(this.path(digest), now, now).catch(() => {});
  }

  /** Stores small content; returns whether it was new. */
  async put(data: Uint8Array | string): Promise<{ digest: Digest; size: number; created: boolean }> {
    const bytes = typeof data === "string" ? Buffer.from(data, "utf8") : data;
    const digest = digestOf(bytes);
    if ((await this.size(digest)) === bytes.length) {
      await this.touch(digest);
      return { digest, size: bytes.length, created: false };
    }
    const created = await this.receive(digest, [bytes]);
    return { digest, size: bytes.length, created };
  }

  /**
   * Stores a stream under the digest it must have; false when it was there already. A stream with another hash is
   * refused with `invalid` and leaves nothing behind.
   */
  async receive(
    expected: Digest,
    source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<boolean> {
    if (await this.has(expected)) {
      await this.touch(expected);
      return false;
    }
    await mkdir(this.directory, { recursive: true, mode: 0o755 });
    const target = this.path(expected);
    const temporary = temporaryBeside(target);
    try {
      const actual = await this.#write(temporary, source, signal);
      if (actual !== expected) {
        throw new AppError("invalid", `digest mismatch, expected "${expected}", got "${actual}"`);
      }
      await rename(temporary, target);
      await this.links.remove(expected);
      return true;
    } finally {
      await rm(temporary, { force: true });
    }
  }

  /** Stores a stream under whatever digest it turns out to have. */
  async store(
    source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<{ digest: Digest; size: number }> {
    await mkdir(this.directory, { recursive: true, mode: 0o755 });
    const temporary = temporaryBeside(join(this.directory, "stream"));
    try {
      const digest = await this.#write(temporary, source, signal);
      const { size } = await stat(temporary);
      await rename(temporary, this.path(digest));
      return { digest, size };
    } finally {
      await rm(temporary, { force: true });
    }
  }

  /** Where a long piece of work may write what is to become a blob; whoever asks removes it when the work fails. */
  async temporary(): Promise<string> {
    await mkdir(this.directory, { recursive: true, mode: 0o755 });
    return temporaryBeside(join(this.directory, "blob"));
  }

  /** Makes a blob of a whole temporary file whose hash is known. */
  async adopt(temporary: string, digest: Digest): Promise<void> {
    await rename(temporary, this.path(digest));
  }

  async #write(
    path: string,
    source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    signal: AbortSignal | undefined,
  ): Promise<Digest> {
    const hash = new DigestStream();
    const file = await open(path, "wx", 0o644);
    try {
      for await (const chunk of source) {
        signal?.throwIfAborted();
        hash.update(chunk);
        await file.writeFile(chunk);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    return hash.digest();
  }

  /** Takes a finished file of this directory in, under the digest that it has. The path is gone afterwards. */
  async hashAndAdopt(temporary: string, signal?: AbortSignal): Promise<{ digest: Digest; size: number }> {
    const file = await open(temporary, "r+");
    const hash = new DigestStream();
    try {
      for await (const chunk of file.createReadStream({ autoClose: false })) {
        signal?.throwIfAborted();
        hash.update(chunk as Uint8Array);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    const digest = hash.digest();
    await rename(temporary, this.path(digest));
    return { digest, size: hash.bytes };
  }

  /** When it was last written or touched. */
  async touchedMs(digest: Digest): Promise<number> {
    const facts = await stat(this.path(digest)).catch(() => undefined);
    return Math.max(facts?.mtimeMs ?? 0, await this.links.touchedMs(digest));
  }

  /** Re-hashes a stored blob. */
  async verify(digest: Digest): Promise<boolean> {
    return (await hashFile(this.path(digest))).digest === digest;
  }

  async remove(digest: Digest): Promise<void> {
    await rm(this.path(digest), { force: true });
    await this.links.remove(digest);
    await this.damage.clear(digest);
  }

  /** Every file of the store: digests of blobs, and names of what is none (partial downloads, left-over temporaries). */
  async list(): Promise<{ digests: Digest[]; others: string[] }> {
    const names = await readdir(this.directory).catch(() => [] as string[]);
    const digests = names.filter(isDigest).map(parseDigest);
    return { digests, others: names.filter((name) => !isDigest(name)) };
  }
}
