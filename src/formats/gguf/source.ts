// Where GGUF bytes come from. The parser is synchronous and asks for small ranges; a caller with an open file answers
// with readSync. A source that ends early only ever makes the parser say "truncated".

export interface GgufSource {
  /** Bytes in the whole file. */
  readonly size: number;
  /** Fills `target` with what lies at `offset` and returns how many bytes there were (like readSync). */
  readAt(target: Uint8Array, offset: number): number;
}

export function bytesSource(bytes: Uint8Array): GgufSource {
  return {
    size: bytes.byteLength,
    readAt(target, offset) {
      const part = bytes.subarray(offset, offset + target.byteLength);
      target.set(part);
      return part.byteLength;
    },
  };
}
