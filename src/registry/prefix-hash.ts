// Hashes a file while it is being written in parts: follows the gapless prefix, so little is left to read at the end.

import type { FileHandle } from "node:fs/promises";
import { type Digest, DigestStream } from "../base/digest.ts";
import { AppError } from "../base/errors.ts";

const READ_BYTES = 1024 * 1024;

export class PrefixHash {
  readonly #hash = new DigestStream();
  readonly #buffer = Buffer.allocUnsafe(READ_BYTES);
  #running: Promise<void> = Promise.resolve();
  #wanted = 0;

  constructor(readonly file: FileHandle) {}

  /** Lets the hash go on up to `bytes`, in the background. */
  advance(bytes: number): void {
    if (bytes <= this.#wanted) return;
    this.#wanted = bytes;
    this.#running = this.#running.then(() => this.#read());
    // Reported by `finish`; without this a failure before that would count as unhandled.
    this.#running.catch(() => {});
  }

  async finish(totalBytes: number): Promise<Digest> {
    this.advance(totalBytes);
    await this.#running;
    return this.#hash.digest();
  }

  /** Resolves when nothing reads the file any more. */
  async settle(): Promise<void> {
    await this.#running.catch(() => {});
  }

  async #read(): Promise<void> {
    while (this.#hash.bytes < this.#wanted) {
      const length = Math.min(READ_BYTES, this.#wanted - this.#hash.bytes);
      const { bytesRead } = await this.file.read(this.#buffer, 0, length, this.#hash.bytes);
      if (bytesRead === 0) throw new AppError("internal", "a partial download became shorter");
      this.#hash.update(this.#buffer.subarray(0, bytesRead));
    }
  }
}
