// Messages of several lines: from `"""` at the start of one line to `"""` at the end of one, perhaps the same
// (Ollama: cmd/interactive.go).

const QUOTES = '"""';

export function startsTripleQuoted(line: string): boolean {
  return line.startsWith(QUOTES);
}

export class TripleQuoted {
  #lines: string[] = [];

  /** The next line, the first one with its opening quotes. Returns the whole text once it is closed. */
  push(line: string): string | undefined {
    const body = this.#lines.length === 0 ? line.slice(QUOTES.length) : line;
    const isClosed = body.endsWith(QUOTES);
    this.#lines.push(isClosed ? body.slice(0, -QUOTES.length) : body);
    return isClosed ? this.#lines.join("\n") : undefined;
  }
}
