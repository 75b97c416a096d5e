// Newline-delimited JSON as clients read it: bytes in, one text per line out. A line may not grow without end.

import { AppError } from "../base/errors.ts";

/** Ollama: api/client.go, maxBufferSize. */
export const MAX_LINE_BYTES = 8_000_000;

const NEWLINE = 10;

/** Blank lines are left out unless `blank` asks for them; the last line needs no line break. Throws `too-large` for a line over the limit. */
export async function* readLines(
  source: AsyncIterable<Uint8Array>,
  limitBytes = MAX_LINE_BYTES,
  { blank = false }: { readonly blank?: boolean } = {},
): AsyncGenerator<string, void, undefined> {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  const take = (): string => {
    const line = new TextDecoder().decode(pending.length === 1 ? pending[0] : Buffer.concat(pending));
    pending = [];
    pendingBytes = 0;
    return line.trim();
  };
  for await (const chunk of source) {
    let start = 0;
    for (;;) {
      const newline = chunk.indexOf(NEWLINE, start);
      const part = chunk.subarray(start, newline < 0 ? undefined : newline);
      pendingBytes += part.length;
      if (pendingBytes > limitBytes)
        throw new AppError("too-large", `the server sent a line of more than ${limitBytes} bytes`);
      if (part.length > 0) pending.push(part);
      if (newline < 0) break;
      start = newline + 1;
      const line = take();
      if (line !== "" || blank) yield line;
    }
  }
  const last = take();
  if (last !== "") yield last;
}
