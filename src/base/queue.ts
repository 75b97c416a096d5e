// An asynchronous queue with one reader: pushes never wait, reading ends with `end` or throws what `fail` was given. It is on the
// path of every token, so the iterator is written out: an async generator costs several microtasks an item.

export class AsyncQueue<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;

  push(item: T): void {
    if (this.#ended) return;
    this.#items.push(item);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  fail(error: unknown): void {
    if (this.#ended) return;
    this.#failure = { error };
    this.end();
  }

  /** The newest item not read yet; lets a writer merge into it, so that a slow reader does not make the queue grow. */
  get last(): T | undefined {
    return this.#items.at(-1);
  }

  replaceLast(item: T): void {
    if (this.#items.length > 0) this.#items[this.#items.length - 1] = item;
  }

  /** Resolves when there is something to read or nothing more will come; throws a failure that no item precedes. */
  async ready(): Promise<void> {
    while (this.#items.length === 0 && !this.#ended) await this.#pushed();
    if (this.#items.length === 0 && this.#failure !== undefined) throw this.#failure.error;
  }

  async next(): Promise<IteratorResult<T, void>> {
    while (this.#items.length === 0 && !this.#ended) await this.#pushed();
    if (this.#items.length > 0) return { done: false, value: this.#items.shift() as T };
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure.error;
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): AsyncIterator<T, void> {
    return { next: () => this.next() };
  }

  #pushed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}
