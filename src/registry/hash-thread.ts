// SHA-256 of a growing file in a thread of its own: a large download would else spend a third of the server's one thread
// on it, and could not receive meanwhile.

/* eslint-disable unicorn/require-post-message-target-origin -- a thread's port has no origin */
import { Worker } from "node:worker_threads";
import { type Digest, parseDigest } from "../base/digest.ts";
import { AppError } from "../base/errors.ts";

interface Order {
  readonly fd: number;
  /** Hash up to here. */
  readonly end: number;
}

interface Report {
  /** Of everything so far. */
  readonly digest?: string;
  readonly error?: string;
}

/** Runs in the thread, made of its text: it can use nothing that stands outside of it. */
function hashThread(): void {
  const { readSync } = process.getBuiltinModule("node:fs");
  const { createHash } = process.getBuiltinModule("node:crypto");
  const { parentPort } = process.getBuiltinModule("node:worker_threads");
  const hash = createHash("sha256");
  // Little enough to be still in the processor's cache when it is hashed.
  const buffer = Buffer.allocUnsafe(256 * 1024);
  let position = 0;
  const hashTo = ({ fd, end }: Order): Report => {
    while (position < end) {
      const bytesRead = readSync(fd, buffer, 0, Math.min(buffer.length, end - position), position);
      if (bytesRead === 0) return { error: "a partial download became shorter" };
      hash.update(buffer.subarray(0, bytesRead));
      position += bytesRead;
    }
    return {};
  };
  parentPort?.on("message", (order: Order | "digest") => {
    try {
      parentPort.postMessage(order === "digest" ? { digest: hash.digest("hex") } : hashTo(order));
    } catch (error) {
      parentPort.postMessage({ error: String(error) });
    }
  });
}

export class HashThread implements AsyncDisposable {
  readonly #worker = new Worker(`(${String(hashThread)})()`, { eval: true });

  constructor(readonly fd: number) {}

  /** One call at a time. */
  async hashTo(end: number): Promise<void> {
    await this.#ask({ fd: this.fd, end });
  }

  async digest(): Promise<Digest> {
    const { digest = "" } = await this.#ask("digest");
    return parseDigest(`sha256:${digest}`);
  }

  async #ask(order: Order | "digest"): Promise<Report> {
    const { promise, resolve, reject } = Promise.withResolvers<Report>();
    const onExit = (): void => reject(new AppError("internal", "the thread that hashes a download ended"));
    this.#worker.once("message", resolve);
    this.#worker.once("error", reject);
    this.#worker.once("exit", onExit);
    try {
      this.#worker.postMessage(order);
      const report = await promise;
      if (report.error !== undefined) throw new AppError("internal", report.error);
      return report;
    } finally {
      this.#worker.off("message", resolve);
      this.#worker.off("error", reject);
      this.#worker.off("exit", onExit);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}
