// A small VT100: takes what a program writes and keeps what a person would see. It knows only the sequences our programs
// use and throws on any other, so that a new one cannot slip in unseen. Like most terminals it breaks its rows anew when
// its width changes.

interface Row {
  /** One entry per column; the second half of a wide character is "". */
  cells: string[];
  /** The row goes on in the next one, because the terminal wrapped it. */
  isWrapped: boolean;
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

export class TestScreen {
  isTerminal = true;
  canRedraw = true;
  hasColor = false;
  isCursorShown = true;
  isPasteBracketed = false;
  /** Everything that was written. */
  raw = "";
  #rows: Row[] = [newRow()];
  #scrolledOff: Row[] = [];
  #row = 0;
  #column = 0;
  #rest = "";

  constructor(
    public columns: number,
    public rows = 24,
  ) {}

  get cursor(): { row: number; column: number } {
    return { row: this.#row, column: this.#column };
  }

  /** The visible rows down to the last one in use, without trailing blanks. */
  get lines(): string[] {
    const lines = this.#rows.map(textOf);
    while (lines.length > 1 && lines.at(-1) === "") lines.pop();
    return lines;
  }

  get scrollback(): string[] {
    return this.#scrolledOff.map(textOf);
  }

  write(text: string): void {
    this.raw += text;
    this.#rest += text;
    while (this.#rest !== "") {
      const taken = this.#take(this.#rest);
      if (taken === 0) return;
      this.#rest = this.#rest.slice(taken);
    }
  }

  resize(columns: number): void {
    const cursorRow = this.#row;
    const old = this.#rows;
    this.#rows = [];
    this.columns = columns;
    let line: string[] = [];
    let cursorAt: number | undefined;
    for (const [index, row] of old.entries()) {
      if (index === cursorRow) cursorAt = line.length + this.#column;
      line.push(...row.cells);
      if (row.isWrapped) continue;
      const start = this.#rows.length;
      this.#rows.push(...reflow(line, columns));
      if (cursorAt !== undefined) {
        let row = start;
        for (; row + 1 < this.#rows.length && cursorAt >= (this.#rows[row]?.cells.length ?? 0); row++) {
          cursorAt -= this.#rows[row]?.cells.length ?? 0;
        }
        this.#row = row + Math.floor(cursorAt / columns);
        this.#column = cursorAt % columns;
        while (this.#row >= this.#rows.length) this.#rows.push(newRow());
        cursorAt = undefined;
      }
      line = [];
    }
    while (this.#rows.length > this.rows) this.#scroll();
  }

  #take(text: string): number {
    const control = text.charAt(0);
    if (control === "\x1b") return this.#takeEscape(text);
    if (control === "\r") {
      this.#column = 0;
      return 1;
    }
    if (control === "\n") {
      // Terminals are set to begin a new line at its first column (onlcr), also while raw.
      this.#column = 0;
      this.#down();
      return 1;
    }
    if (control === "\t") {
      this.#column = Math.min(this.columns - 1, (Math.floor(this.#column / 8) + 1) * 8);
      return 1;
    }
    const printable = /^[^\u0000-\u001f\u007f]+/.exec(text)?.[0];
    if (printable === undefined) throw new Error(`unexpected control character ${JSON.stringify(control)}`);
    for (const { segment } of graphemes.segment(printable)) this.#print(segment);
    return printable.length;
  }

  #takeEscape(text: string): number {
    const match = /^\x1b\[([?]?)([\d;]*)([A-Za-z])/.exec(text);
    if (match === null) {
      if (text.length > 16) throw new Error(`unexpected sequence ${JSON.stringify(text.slice(0, 16))}`);
      return 0;
    }
    const [whole, isPrivate, parameters = "", final] = match;
    if (isPrivate === "?") this.#setMode(parameters, final === "h");
    else this.#control(final ?? "", parameters);
    return whole.length;
  }

  #setMode(mode: string, isOn: boolean): void {
    if (mode === "25") this.isCursorShown = isOn;
    else if (mode === "2004") this.isPasteBracketed = isOn;
    else if (mode !== "2026") throw new Error(`unexpected mode ${mode}`);
  }

  #control(final: string, parameters: string): void {
    const count = Math.max(1, Number(parameters.split(";")[0]));
    // Moving ends the wait for the wrap, as in real terminals.
    this.#column = Math.min(this.#column, this.columns - 1);
    switch (final) {
      case "A":
        this.#row = Math.max(0, this.#row - count);
        return;
      case "B":
        this.#moveTo(Math.min(this.rows - 1, this.#row + count));
        return;
      case "C":
        this.#column = Math.min(this.columns - 1, this.#column + count);
        return;
      case "D":
        this.#column = Math.max(0, this.#column - count);
        return;
      case "G":
        this.#column = Math.min(this.columns, count) - 1;
        return;
      case "H":
        this.#row = 0;
        this.#column = 0;
        return;
      case "J":
        if (parameters === "2") this.#rows = this.#rows.map(newRow);
        else if (parameters !== "") throw new Error(`unexpected erase ${parameters}`);
        else this.#rows.length = this.#row + 1;
        this.#current().isWrapped = false;
        this.#current().cells.length = Math.min(this.#current().cells.length, this.#column);
        return;
      case "K":
        if (parameters !== "") throw new Error(`unexpected erase ${parameters}`);
        this.#current().cells.length = Math.min(this.#current().cells.length, this.#column);
        this.#current().isWrapped = false;
        return;
      case "m":
        return;
      default:
        throw new Error(`unexpected sequence ending in ${final}`);
    }
  }

  #print(grapheme: string): void {
    if (this.#joinsLast(grapheme)) return;
    const width = Bun.stringWidth(grapheme);
    if (width === 0) return;
    if (this.#column + width > this.columns) {
      this.#current().isWrapped = true;
      this.#column = 0;
      this.#down();
    }
    const { cells } = this.#current();
    while (cells.length < this.#column) cells.push(" ");
    cells[this.#column] = grapheme;
    if (width === 2) cells[this.#column + 1] = "";
    this.#column += width;
  }

  /** What goes with the character before the cursor, such as an accent, is drawn over it. */
  #joinsLast(grapheme: string): boolean {
    const { cells } = this.#current();
    const at = cells[this.#column - 1] === "" ? this.#column - 2 : this.#column - 1;
    const last = cells[at] ?? "";
    if (last === "" || [...graphemes.segment(last + grapheme)].length !== 1) return false;
    cells[at] = last + grapheme;
    const width = Bun.stringWidth(last + grapheme);
    if (width === 2) cells[at + 1] = "";
    this.#column = at + width;
    return true;
  }

  #current(): Row {
    this.#moveTo(this.#row);
    return this.#rows[this.#row] ?? newRow();
  }

  #moveTo(row: number): void {
    while (this.#rows.length <= row) this.#rows.push(newRow());
    this.#row = row;
  }

  #down(): void {
    if (this.#row + 1 >= this.rows) this.#scroll();
    this.#moveTo(this.#row + 1);
  }

  #scroll(): void {
    this.#scrolledOff.push(this.#rows.shift() ?? newRow());
    this.#row -= 1;
  }
}

function newRow(): Row {
  return { cells: [], isWrapped: false };
}

function textOf(row: Row): string {
  return row.cells.join("").trimEnd();
}

function reflow(cells: readonly string[], columns: number): Row[] {
  const rows: Row[] = [];
  for (let from = 0; from === 0 || from < cells.length;) {
    let to = Math.min(cells.length, from + columns);
    // A wide character is not cut in half.
    if (cells[to] === "") to -= 1;
    rows.push({ cells: cells.slice(from, to), isWrapped: to < cells.length });
    from = Math.max(to, from + 1);
  }
  return rows;
}
