// WordPiece as BERT was trained with it: the ids of Hugging Face's tokenizers (normalizers/bert.rs, pre_tokenizers/bert.rs,
// models/wordpiece). llama.cpp's own strips marks that have a width and reads Hangul otherwise, and an embedding is of the
// ids that it is given. The vocabulary is a GGUF's: "▁un" begins a word, "able" goes on.

export interface WordPieceOptions {
  readonly lowercase: boolean;
  readonly stripAccents: boolean;
  /** The id of what no pieces spell. */
  readonly unknown: number;
}

const BEGINNING = "▁";
/** Longer words are unknown. */
const MAX_WORD_CHARACTERS = 100;
const WORDS_KEPT = 20_000;

const ONLY_ASCII = /^[\t\n\r -~]*$/;
const REMOVED = /[\0\uFFFD]|(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/gu;
const IDEOGRAPHS =
  /[\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF\u{20000}-\u{2A6DF}\u{2A700}-\u{2B73F}\u{2B740}-\u{2B81F}\u{2B920}-\u{2CEAF}\u{2F800}-\u{2FA1F}]/gu;
const ACCENTS = /\p{Mn}/gu;
const WORDS = /[\p{P}$+<=>^`|~]|[^\s\p{P}$+<=>^`|~]+/gu;

export class WordPieces {
  readonly #beginnings = new Map<string, number>();
  readonly #continuations = new Map<string, number>();
  readonly #known = new Map<string, readonly number[]>();
  #longest = 1;

  /** `texts` in the order of their ids. */
  constructor(
    texts: Iterable<string>,
    private readonly options: WordPieceOptions,
  ) {
    let id = 0;
    for (const text of texts) {
      const begins = text.startsWith(BEGINNING);
      const piece = begins ? text.slice(BEGINNING.length) : text;
      (begins ? this.#beginnings : this.#continuations).set(piece, id++);
      this.#longest = Math.max(this.#longest, piece.length);
    }
  }

  /** Without what frames a text ([CLS], [SEP]); special tokens in the text are read as text. */
  encode(text: string): number[] {
    const ids: number[] = [];
    for (const [word] of this.#normalized(text).matchAll(WORDS)) {
      let pieces = this.#known.get(word);
      if (pieces === undefined) {
        pieces = this.#pieces(word);
        if (this.#known.size >= WORDS_KEPT) this.#known.clear();
        this.#known.set(word, pieces);
      }
      for (const piece of pieces) ids.push(piece);
    }
    return ids;
  }

  #normalized(text: string): string {
    const { lowercase, stripAccents } = this.options;
    if (ONLY_ASCII.test(text)) return lowercase ? text.toLowerCase() : text;
    let normal = text.replace(REMOVED, "").replace(IDEOGRAPHS, " $& ");
    if (stripAccents) normal = normal.normalize("NFD").replace(ACCENTS, "");
    // Character by character: a whole word's lower case knows a final sigma.
    return lowercase ? Array.from(normal, (character) => character.toLowerCase()).join("") : normal;
  }

  /** The longest piece first, again and again. */
  #pieces(word: string): readonly number[] {
    const unknown = [this.options.unknown];
    if (word.length > MAX_WORD_CHARACTERS && Array.from(word).length > MAX_WORD_CHARACTERS) return unknown;
    const ids: number[] = [];
    for (let start = 0; start < word.length;) {
      const pieces = start === 0 ? this.#beginnings : this.#continuations;
      let end = Math.min(word.length, start + this.#longest);
      let id: number | undefined;
      for (; end > start; end--) {
        id = pieces.get(word.slice(start, end));
        if (id !== undefined) break;
      }
      if (id === undefined) return unknown;
      ids.push(id);
      start = end;
    }
    return ids;
  }
}
