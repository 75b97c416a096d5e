// Modelfile text → characters with a line count. Lines are counted as Ollama counts them (parser/parser.go): CR and LF each
// end a line, so a CRLF file has two per line.

/** UTF-8, or UTF-16 announced by its byte order mark; broken sequences become U+FFFD. */
export function decodeModelfile(source: Uint8Array): string {
  if (source[0] === 0xff && source[1] === 0xfe) return decodeUtf16(source.subarray(2));
  if (source[0] === 0xfe && source[1] === 0xff) return decodeUtf16(swapBytes(source.subarray(2)));
  return new TextDecoder("utf-8").decode(source);
}

function decodeUtf16(source: Uint8Array): string {
  return new TextDecoder("utf-16le", { ignoreBOM: true }).decode(source);
}

/** A trailing odd byte is kept, so that it decodes to U+FFFD like any other broken unit. */
function swapBytes(source: Uint8Array): Uint8Array {
  const swapped = Uint8Array.from(source);
  for (let index = 0; index + 1 < swapped.length; index += 2) {
    const first = swapped[index] ?? 0;
    swapped[index] = swapped[index + 1] ?? 0;
    swapped[index + 1] = first;
  }
  return swapped;
}

export class Reader {
  #at = 0;
  #line = 1;

  constructor(private readonly text: string) {}

  /** 1-based line of the next character. */
  get line(): number {
    return this.#line;
  }

  /** The next code point, consumed; undefined at the end. */
  next(): string | undefined {
    const code = this.text.codePointAt(this.#at);
    if (code === undefined) return undefined;
    const char = String.fromCodePoint(code);
    this.#at += char.length;
    if (isNewline(char)) this.#line += 1;
    return char;
  }

  /** Everything up to the next CR or LF, which is consumed too and given back as `end`. */
  restOfLine(): { text: string; end: string | undefined } {
    const start = this.#at;
    while (this.#at < this.text.length && !isNewline(this.text.charAt(this.#at))) this.#at += 1;
    return { text: this.text.slice(start, this.#at), end: this.next() };
  }
}

// Loops, because a regular expression for trailing blanks takes quadratic time on a long run of blanks inside a line.
export function trimBlanks(text: string): string {
  return trimBlanksStart(trimBlanksEnd(text));
}

export function trimBlanksStart(text: string): string {
  let start = 0;
  while (start < text.length && isBlank(text.charAt(start))) start += 1;
  return text.slice(start);
}

export function trimBlanksEnd(text: string): string {
  let end = text.length;
  while (end > 0 && isBlank(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

export function isBlank(char: string): boolean {
  return char === " " || char === "\t";
}

export function isNewline(char: string): boolean {
  return char === "\n" || char === "\r";
}
