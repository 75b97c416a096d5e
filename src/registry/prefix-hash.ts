// Hashes a file while it is being written in parts: follows the gapless prefix, so little is left to read at the end.

import type { FileHandle } from "node:fs/promises";
import { type Digest, DigestStream } from "../base/digest.ts";
import { AppError } from "../base/errors.ts";
import { HashThread } from "./hash-thread.ts";

const READ_BYTES = 256 * 1024;
/** From this size on a thread is worth its start. */
const THREAD_BYTES = 16e6;
/** What is hashed before it is looked again whether that is still wanted. */
const STRIDE_BYTES = 32e6;

interface Hasher extends AsyncDisposable {
  hashTo(end: number): Promise<void>;
  digest(): Promise<Digest>;
}

class HashHere implements Hasher {
  readonly #hash = new DigestStream();
  readonly #buffer = Buffer.allocUnsafe(READ_BYTES);

  constructor(readonly file: FileHandle) {}

  async hashTo(end: number): Promise<void> {
    while (this.#hash.bytes < end) {
      const length = Math.min(READ_BYTES, end - this.#hash.bytes);
      const { bytesRead } = await this.file.read(this.#buffer, 0, length, this.#hash.bytes);
      if (bytesRead === 0) throw new AppError("internal", "a partial download became shorter");
      this.#hash.update(this.#buffer.subarray(0, bytesRead));
    }
  }

  digest(): Promise<Digest> {
    return Promise.resolve(this.#hash.digest());
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

export class PrefixHash implements AsyncDisposable {
  readonly #hasher: Hasher;
  #running: Promise<void> | undefined;
  #done = 0;
  #wanted = 0;
  #isGivenUp = false;

  constructor(
    file: FileHandle,
    readonly totalBytes: number,
  ) {
    this.#hasher = totalBytes < THREAD_BYTES ? new HashHere(file) : new HashThread(file.fd);
  }

  /** Lets the hash go on up to `bytes`, in the background. */
  advance(bytes: number): void {
    if (bytes <= this.#wanted) return;
    this.#wanted = bytes;
    this.#running ??= this.#follow();
    // Reported by `finish`; without this a failure before that would count as unhandled.
    this.#running.catch(() => {});
  }

  async finish(): Promise<Digest> {
    this.advance(this.totalBytes);
    await this.#running;
    return this.#hasher.digest();
  }

  /** Nothing reads the file any more when this resolves. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isGivenUp = true;
    await this.#running?.catch(() => {});
    await this.#hasher[Symbol.asyncDispose]();
  }

  async #follow(): Promise<void> {
    while (this.#done < this.#wanted && !this.#isGivenUp) {
      const end = Math.min(this.#wanted, this.#done + STRIDE_BYTES);
      await this.#hasher.hashTo(end);
      this.#done = end;
    }
    // In the same breath as the last look, so that no step is missed.
    this.#running = undefined;
  }
}
