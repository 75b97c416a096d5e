// Word wrap for text that arrives in pieces: everything is shown at once, and a word that turns out too long for its line is
// taken back and begun again on the next. Wraps five columns before the edge (Ollama: cmd/cmd.go, displayResponse); only for
// terminals, since taking back needs cursor movement.

const MARGIN = 5;
const NARROWEST = 10;
const TAB = 8;
const LONGEST_GRAPHEME = 64;

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

export class WordWrap {
  /** Columns in use on the current line. */
  #column = 0;
  /** What has been shown since the last place where the line may break. */
  #word = "";
  /** The last grapheme shown: the next piece may begin with something that joins it. */
  #last = "";

  constructor(private readonly columns: () => number) {}

  /** What to write for the next piece of text. */
  push(text: string): string {
    const columns = this.columns();
    if (columns < NARROWEST) return text;
    const limit = columns - MARGIN;
    let out = "";
    let joined = this.#last.length;
    for (const { segment } of graphemes.segment(this.#last + text)) {
      if (joined > 0) {
        // The first segment is the old last one, perhaps with an addition that needs no room of its own.
        const addition = segment.slice(joined);
        joined = 0;
        if (addition !== "") out += this.#extend(addition, segment);
      } else out += this.#show(segment, limit);
      // No real grapheme is this long; joining without end would cost quadratic time.
      this.#last = segment.length > LONGEST_GRAPHEME ? "" : segment;
    }
    return out;
  }

  #extend(addition: string, whole: string): string {
    // A line feed joins the carriage return before it.
    if (addition === "\n") return this.#endLine(addition);
    this.#column += Bun.stringWidth(whole) - Bun.stringWidth(this.#last);
    if (this.#word !== "") this.#word += addition;
    return addition;
  }

  #show(grapheme: string, limit: number): string {
    if (/[\r\n]/.test(grapheme)) return this.#endLine(grapheme);
    const isBlank = grapheme === " " || grapheme === "\t";
    const width = grapheme === "\t" ? TAB - (this.#column % TAB) : Bun.stringWidth(grapheme);
    if (width > 0 && this.#column + width > limit) {
      // A blank at the edge is what the line break replaces.
      if (isBlank) return this.#endLine("\n");
      return this.#breakBefore(grapheme, width, limit);
    }
    this.#column += width;
    // Lines may break after a blank, and around any wide character.
    this.#word = isBlank || width >= 2 ? "" : this.#word + grapheme;
    return grapheme;
  }

  #breakBefore(grapheme: string, width: number, limit: number): string {
    const wordWidth = Bun.stringWidth(this.#word);
    const isOneWord = wordWidth >= this.#column || wordWidth > limit - MARGIN;
    const carried = width >= 2 || isOneWord ? "" : this.#word;
    const back = carried === "" ? 0 : wordWidth;
    this.#column = back + width;
    this.#word = width >= 2 ? "" : carried + grapheme;
    return `${back === 0 ? "" : `\x1b[${back}D\x1b[K`}\n${carried}${grapheme}`;
  }

  #endLine(newline: string): string {
    this.#column = 0;
    this.#word = "";
    return newline;
  }
}
