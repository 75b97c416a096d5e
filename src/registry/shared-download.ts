// One download for all who ask for the same thing at the same time: it goes on while anybody waits for it.

import { sleep } from "./backoff.ts";

export type StartDownload<T> = (signal: AbortSignal, onProgress: (completedBytes: number) => void) => Promise<T>;

type Outcome<T> = { readonly is: "done"; readonly value: T } | { readonly is: "failed"; readonly error: unknown };

interface Download<T> {
  readonly control: AbortController;
  readonly finished: Promise<Outcome<T>>;
  followers: number;
  completedBytes: number;
  done: boolean;
}

/** How often followers hear of progress (Ollama: server/download.go, Wait). */
const TICK_MS = 60;

export class SharedDownloads<T> {
  readonly #running = new Map<string, Download<T>>();

  /** Yields growing byte counts until the download is done; returns what it returns, throws what it throws. */
  async *follow(key: string, start: StartDownload<T>, signal: AbortSignal): AsyncGenerator<number, T, undefined> {
    const download = await this.#join(key, start);
    let shown = -1;
    try {
      for (;;) {
        signal.throwIfAborted();
        if (download.completedBytes > shown) yield (shown = download.completedBytes);
        if (download.done) break;
        const pause = new AbortController();
        await Promise.race([download.finished, sleep(TICK_MS, AbortSignal.any([signal, pause.signal]))]).finally(() =>
          pause.abort(),
        );
      }
      const outcome = await download.finished;
      if (outcome.is === "failed") throw outcome.error;
      return outcome.value;
    } finally {
      download.followers--;
      if (download.followers === 0 && !download.done) {
        download.control.abort(new DOMException("nobody waits for this download", "AbortError"));
        await download.finished;
      }
    }
  }

  async #join(key: string, start: StartDownload<T>): Promise<Download<T>> {
    for (;;) {
      const running = this.#running.get(key);
      if (running === undefined) return this.#begin(key, start);
      if (!running.control.signal.aborted && !running.done) {
        running.followers++;
        return running;
      }
      // It is being given up; two at once would write the same file.
      await running.finished;
      if (this.#running.get(key) === running) this.#running.delete(key);
    }
  }

  #begin(key: string, start: StartDownload<T>): Download<T> {
    const control = new AbortController();
    const onProgress = (bytes: number) => {
      download.completedBytes = Math.max(download.completedBytes, bytes);
    };
    const finished = Promise.resolve()
      .then(() => start(control.signal, onProgress))
      .then(
        (value): Outcome<T> => ({ is: "done", value }),
        (error: unknown): Outcome<T> => ({ is: "failed", error }),
      )
      .finally(() => {
        download.done = true;
        if (this.#running.get(key) === download) this.#running.delete(key);
      });
    const download: Download<T> = { control, finished, followers: 1, completedBytes: 0, done: false };
    this.#running.set(key, download);
    return download;
  }
}
