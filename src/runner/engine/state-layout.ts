// Rewrites a saved sequence state for a context with another number of sequences. llama.cpp stores how many streams the
// cache had (one per sequence here) and refuses any other number, though a state only ever holds one stream's cells.
// Layout (llama-kv-cache.cpp, state_write): magic u32, sequence i32, then per cache: stream count u32 and for each stream a
// cell count u32, followed by that stream's cells where it is not 0.

const HEAD_BYTES = 8;

/** How a model's memory is stored: attention caches one after another, then perhaps recurrent state. */
export interface StateShape {
  readonly attentionCaches: 0 | 1 | 2;
}

class Reader {
  readonly #view: DataView;

  constructor(
    readonly bytes: Uint8Array,
    public at: number,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Not `at += …`: that would take `at` before the size, itself read here, has moved it. */
  skip(bytes: number): void {
    this.at += bytes;
  }

  u32(): number {
    const value = this.#view.getUint32(this.at, true);
    this.at += 4;
    return value;
  }

  u64(): number {
    const value = Number(this.#view.getBigUint64(this.at, true));
    this.at += 8;
    return value;
  }
}

/** The state for a context of `streams` sequences; undefined when its layout is not understood. */
export function withStreams(state: Uint8Array, streams: number, shape: StateShape): Uint8Array | undefined {
  if (shape.attentionCaches === 0) return state;
  try {
    const parts: Uint8Array[] = [state.subarray(0, HEAD_BYTES)];
    const reader = new Reader(state, HEAD_BYTES);
    for (let i = 0; i < shape.attentionCaches && reader.at < state.length; i++)
      parts.push(...cacheParts(reader, streams));
    parts.push(state.subarray(reader.at));
    return Buffer.concat(parts);
  } catch (error) {
    if (error instanceof RangeError) return undefined; // read past the end: not the layout we know
    throw error;
  }
}

function cacheParts(reader: Reader, streams: number): Uint8Array[] {
  const count = reader.u32();
  if (count === 0 || count > 1024) throw new RangeError("stream count");
  let cells: Uint8Array | undefined;
  for (let stream = 0; stream < count; stream++) {
    const from = reader.at;
    const cellCount = reader.u32();
    if (cellCount === 0) continue;
    skipCells(reader, cellCount);
    if (reader.at > reader.bytes.length) throw new RangeError("cells");
    cells = reader.bytes.subarray(from, reader.at);
  }
  const head = new Uint8Array(4);
  new DataView(head.buffer).setUint32(0, streams, true);
  const empty = new Uint8Array(4);
  const rest = Array.from({ length: streams - 1 }, () => empty);
  return [head, cells ?? empty, ...rest];
}

function skipCells(reader: Reader, cellCount: number): void {
  for (let cell = 0; cell < cellCount; cell++) {
    reader.skip(4); // position
    reader.skip(reader.u32() * 4); // sequence ids
  }
  const transposed = reader.u32() === 1;
  const layers = reader.u32();
  for (let layer = 0; layer < layers; layer++) {
    reader.skip(4); // type of the keys
    reader.skip(reader.u64() * cellCount);
  }
  for (let layer = 0; layer < layers; layer++) {
    reader.skip(4); // type of the values
    const size = transposed ? reader.u32() * reader.u32() : reader.u64();
    reader.skip(size * cellCount);
  }
}
