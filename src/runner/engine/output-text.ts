// Turns token bytes into text that may be shown: whole UTF-8 characters only, nothing that could still become a stop
// word, and nothing from the stop word on.

const REPLACEMENT = "\uFFFD";

/** The longest suffix of `text` that is a proper prefix of `word`. */
function overlap(text: string, word: string): number {
  for (let length = Math.min(text.length, word.length - 1); length > 0; length--) {
    if (word.startsWith(text.slice(text.length - length))) return length;
  }
  return 0;
}

export class OutputText {
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #held = "";
  #stopWord: string | undefined;

  private readonly stopWords: readonly string[];

  constructor(stopWords: readonly string[]) {
    // An empty one would be met before the first character.
    this.stopWords = stopWords.filter((word) => word !== "");
  }

  /** The stop word that was met, if any; the generation ends then. */
  get stopWord(): string | undefined {
    return this.#stopWord;
  }

  /** Text is held back: it may be the beginning of a stop word. */
  get holds(): boolean {
    return this.#held !== "";
  }

  push(bytes: Uint8Array): string {
    return this.#release(this.#decoder.decode(bytes, { stream: true }));
  }

  /** What is left when the generation ends. An unfinished character is left out, as by llama.cpp's server. */
  finish(): string {
    const held = this.#held;
    this.#held = "";
    return held;
  }

  #release(text: string): string {
    if (this.#stopWord !== undefined) return "";
    if (this.stopWords.length === 0) return text;
    const all = this.#held + text;
    let end = -1;
    for (const word of this.stopWords) {
      const at = all.indexOf(word);
      if (at < 0 || (end >= 0 && at >= end)) continue;
      end = at;
      this.#stopWord = word;
    }
    if (end >= 0) {
      this.#held = "";
      return all.slice(0, end);
    }
    let keep = 0;
    for (const word of this.stopWords) keep = Math.max(keep, overlap(all, word));
    this.#held = all.slice(all.length - keep);
    return all.slice(0, all.length - keep);
  }
}

/** A token's bytes as text of its own, for logprobs; bytes that are no whole character show as U+FFFD. */
export function pieceText(bytes: Uint8Array): string {
  return bytes.length === 0 ? "" : new TextDecoder().decode(bytes).replaceAll("\u0000", REPLACEMENT);
}
