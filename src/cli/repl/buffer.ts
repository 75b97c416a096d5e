// The text being edited, as graphemes with their widths, and the place of the cursor between two of them. Knows nothing of
// screens or keys; line breaks are graphemes of their own.

export interface Cell {
  readonly text: string;
  /** Columns on the screen; 0 for a line break. */
  readonly width: number;
}

export const TAB_WIDTH = 8;

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

export class EditBuffer {
  #cells: Cell[] = [];
  #cursor = 0;

  get cells(): readonly Cell[] {
    return this.#cells;
  }

  /** How many cells stand before the cursor. */
  get cursor(): number {
    return this.#cursor;
  }

  get text(): string {
    return this.#cells.map((cell) => cell.text).join("");
  }

  get isEmpty(): boolean {
    return this.#cells.length === 0;
  }

  /** New text, with the cursor at its end. */
  replace(text: string): void {
    this.#cells = segment(text);
    this.#cursor = this.#cells.length;
  }

  /** A grapheme may grow together with its new neighbours: an accent typed after its letter, a flag's second half. */
  insert(text: string): void {
    const before = this.#cells[this.#cursor - 1]?.text ?? "";
    const after = this.#cells[this.#cursor]?.text ?? "";
    const from = this.#cursor - (before === "" ? 0 : 1);
    const to = this.#cursor + (after === "" ? 0 : 1);
    const grown = segment(before + text + after);
    const rest = this.#cells.slice(to);
    const isAfterApart = after !== "" && grown.at(-1)?.text === after;
    this.#cells = this.#cells.slice(0, from).concat(grown, rest);
    this.#cursor = from + grown.length - (isAfterApart ? 1 : 0);
  }

  left(): void {
    this.#cursor = Math.max(0, this.#cursor - 1);
  }

  right(): void {
    this.#cursor = Math.min(this.#cells.length, this.#cursor + 1);
  }

  /** Over blanks, then over what is not blank. */
  wordLeft(): void {
    this.#cursor = this.#wordStart();
  }

  /** At least one step, then up to the next blank. */
  wordRight(): void {
    this.right();
    while (this.#cursor < this.#cells.length && !isBlank(this.#cells[this.#cursor])) this.right();
  }

  home(): void {
    this.#cursor = this.#lineStart();
  }

  end(): void {
    this.#cursor = this.#lineEnd();
  }

  /** To the line above, as near to the same column as it goes; false on the first line. */
  up(): boolean {
    const start = this.#lineStart();
    if (start === 0) return false;
    const column = this.#columns(start, this.#cursor);
    this.#cursor = start - 1;
    this.#toColumn(this.#lineStart(), start - 1, column);
    return true;
  }

  down(): boolean {
    const end = this.#lineEnd();
    if (end === this.#cells.length) return false;
    const column = this.#columns(this.#lineStart(), this.#cursor);
    this.#cursor = end + 1;
    this.#toColumn(end + 1, this.#lineEnd(), column);
    return true;
  }

  backspace(): void {
    this.#remove(this.#cursor - 1, this.#cursor);
  }

  delete(): void {
    this.#remove(this.#cursor, this.#cursor + 1);
  }

  deleteWord(): void {
    this.#remove(this.#wordStart(), this.#cursor);
  }

  /** The rest of the line; at its end, the line break. */
  deleteToEnd(): void {
    const end = this.#lineEnd();
    this.#remove(this.#cursor, end === this.#cursor ? end + 1 : end);
  }

  /** The line up to here; at its start, the line break before it. */
  deleteToStart(): void {
    const start = this.#lineStart();
    this.#remove(start === this.#cursor ? start - 1 : start, this.#cursor);
  }

  #remove(from: number, to: number): void {
    const start = Math.max(0, from);
    this.#cells.splice(start, to - start);
    this.#cursor = start;
  }

  #wordStart(): number {
    let at = this.#cursor;
    while (at > 0 && isBlank(this.#cells[at - 1])) at -= 1;
    while (at > 0 && !isBlank(this.#cells[at - 1])) at -= 1;
    return at;
  }

  #lineStart(): number {
    let at = this.#cursor;
    while (at > 0 && this.#cells[at - 1]?.text !== "\n") at -= 1;
    return at;
  }

  #lineEnd(): number {
    let at = this.#cursor;
    while (at < this.#cells.length && this.#cells[at]?.text !== "\n") at += 1;
    return at;
  }

  #columns(from: number, to: number): number {
    return this.#cells.slice(from, to).reduce((sum, cell) => sum + cell.width, 0);
  }

  #toColumn(start: number, end: number, column: number): void {
    let at = start;
    for (let width = 0; at < end; at++) {
      width += this.#cells[at]?.width ?? 0;
      if (width > column) break;
    }
    this.#cursor = at;
  }
}

function segment(text: string): Cell[] {
  return Array.from(graphemes.segment(text), ({ segment }) => ({ text: segment, width: widthOf(segment) }));
}

function widthOf(grapheme: string): number {
  if (grapheme === "\n") return 0;
  return grapheme === "\t" ? TAB_WIDTH : Bun.stringWidth(grapheme);
}

function isBlank(cell: Cell | undefined): boolean {
  return cell?.text === " " || cell?.text === "\t" || cell?.text === "\n";
}
