// An asynchronous sequence made from another, a few items for each of its items. Every token passes several of these, so they are
// written out: an async generator costs several microtasks an item and a layer.

export interface Opened<T, U> {
  readonly source: AsyncIterator<T, unknown>;
  /** What an item becomes. */
  readonly read: (item: T) => readonly U[];
  /** What follows the last item. */
  readonly end?: () => readonly U[];
  /** Called once: at the end, at a failure, or when the reader leaves. */
  readonly close?: () => void;
}

export class Translated<T, U> implements AsyncIterableIterator<U, void> {
  readonly #ready: U[] = [];
  #opened: Opened<T, U> | undefined;
  #opening: Promise<Opened<T, U>> | undefined;
  #closed = false;

  /** `open` is called when the first item is asked for; what it throws is what reading throws. */
  constructor(private readonly open: () => Opened<T, U> | Promise<Opened<T, U>>) {}

  /** One call at a time, as `for await` does. */
  next(): Promise<IteratorResult<U, void>> {
    const item = this.#ready.shift();
    if (item !== undefined) return Promise.resolve({ done: false, value: item });
    if (this.#closed) return Promise.resolve({ done: true, value: undefined });
    return this.#opened === undefined ? this.#begin() : this.#pull(this.#opened);
  }

  return(): Promise<IteratorResult<U, void>> {
    this.#ready.length = 0;
    this.#close();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #begin(): Promise<IteratorResult<U, void>> {
    try {
      this.#opening = Promise.resolve(this.open());
      this.#opened = await this.#opening;
    } catch (error) {
      this.#closed = true;
      throw error;
    }
    if (!this.#closed) return this.#pull(this.#opened);
    // The reader left while it was being opened.
    this.#opened.close?.();
    return { done: true, value: undefined };
  }

  #pull(opened: Opened<T, U>): Promise<IteratorResult<U, void>> {
    return opened.source.next().then(this.#take, this.#fail);
  }

  readonly #take = (result: IteratorResult<T, unknown>): IteratorResult<U, void> | Promise<IteratorResult<U, void>> => {
    if (this.#opened === undefined) return { done: true, value: undefined };
    let items: readonly U[];
    try {
      items = result.done === true ? (this.#opened.end?.() ?? []) : this.#opened.read(result.value);
    } catch (error) {
      return this.#fail(error);
    }
    if (result.done === true) this.#close();
    const [first, ...others] = items;
    if (first === undefined) return this.next();
    if (others.length > 0) this.#ready.push(...others);
    return { done: false, value: first };
  };

  readonly #fail = (error: unknown): never => {
    this.#close();
    throw error;
  };

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#opened?.close?.();
    // How the source takes it is no longer anybody's business.
    void this.#opened?.source.return?.().catch(() => undefined);
  }
}

/** `source` item by item through `read`, and what `end` adds. */
export function translate<T, U>(
  source: AsyncIterable<T>,
  read: (item: T) => readonly U[],
  end?: () => readonly U[],
): AsyncIterable<U> {
  return new Translated(() => ({
    source: source[Symbol.asyncIterator](),
    read,
    ...(end === undefined ? {} : { end }),
  }));
}
