// What a connection brings, gathered into writes worth their cost: a fast one brings many small chunks, a slow one is
// written as it comes, so that progress is seen and little is lost.

const WRITE_BYTES = 512 * 1024;
const WRITE_MS = 50;
/** A vectored write takes no more (POSIX: IOV_MAX). */
const MAX_CHUNKS = 1024;

export class Gathered {
  #chunks: Uint8Array[] = [];
  #dueMs = performance.now() + WRITE_MS;
  #end: number;

  /** `start` is where in the file the first chunk belongs. */
  constructor(public start: number) {
    this.#end = start;
  }

  get end(): number {
    return this.#end;
  }

  get isDue(): boolean {
    const bytes = this.#end - this.start;
    return bytes >= WRITE_BYTES || this.#chunks.length >= MAX_CHUNKS || performance.now() >= this.#dueMs;
  }

  add(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#end += chunk.byteLength;
  }

  /** Hands over what is held; what comes next follows it in the file. */
  take(): readonly Uint8Array[] {
    const taken = this.#chunks;
    this.#chunks = [];
    this.start = this.#end;
    this.#dueMs = performance.now() + WRITE_MS;
    return taken;
  }
}

/** The bytes `from` to `to` of `chunks`, without copying. */
export function slices(chunks: readonly Uint8Array[], from: number, to: number): Uint8Array[] {
  const kept: Uint8Array[] = [];
  let offset = 0;
  for (const chunk of chunks) {
    const [first, last] = [Math.max(from - offset, 0), Math.min(to - offset, chunk.byteLength)];
    if (first < last) kept.push(chunk.subarray(first, last));
    offset += chunk.byteLength;
  }
  return kept;
}

/**
 * Gives back the memory of chunks that are written. They are small objects that own memory outside the heap, so the collector
 * sees no reason to hurry: left to it, a fast download grows the process by 100 MB, and forcing it costs a tenth of the work.
 */
export function release(chunks: readonly Uint8Array[]): void {
  for (const { buffer, byteLength } of chunks) {
    // A chunk that shares its memory is left to the collector.
    if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
  }
}
