// Tables as Ollama prints them (olekukonko/tablewriter 0.0.5 without borders): columns padded to their widest cell, four
// blanks after each, also after the last, and cells of several words wrapped to a column width.

const GAP = "    ";
const DEFAULT_WRAP = 30;

/** `list` and `ps`: the header's last column is followed by one blank only, as the original does. */
export function renderTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => wrapCell(cell, DEFAULT_WRAP)));
  const widths = columnWidths([header.map((title) => wrapCell(title, DEFAULT_WRAP)), ...cells]);
  const head = header.map((title, index) => padEnd(title, widths[index] ?? 0)).join(GAP);
  return `${head} \n${renderRows(cells, widths)}`;
}

/** A titled block of `show`: rows are indented by an empty first cell and a blank line follows. */
export function renderBlock(title: string, rows: readonly (readonly string[])[], wrapWidth = DEFAULT_WRAP): string {
  const cells = rows.map((row) => ["", ...row].map((cell) => wrapCell(cell, wrapWidth)));
  return `  ${title}\n${renderRows(cells, columnWidths(cells))}\n`;
}

interface Cell {
  readonly lines: readonly string[];
  /** A cell that had to wrap counts as wide as the limit, however short its lines came out. */
  readonly width: number;
}

function columnWidths(rows: readonly (readonly Cell[])[]): number[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.width);
  }
  return widths;
}

function renderRows(rows: readonly (readonly Cell[])[], widths: readonly number[]): string {
  let text = "";
  for (const row of rows) {
    const height = Math.max(0, ...row.map(({ lines }) => lines.length));
    for (let at = 0; at < height; at++) {
      // A cell that has run out of lines shows as two blanks, even in a column without width.
      for (const [index, { lines }] of row.entries()) text += padEnd(lines[at] ?? "  ", widths[index] ?? 0) + GAP;
      text += "\n";
    }
  }
  return text;
}

function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - Bun.stringWidth(text)));
}

/** The lines of least raggedness: the sum of squared distances to the limit, the last line free. */
function wrapCell(text: string, wrapWidth: number): Cell {
  const words = text.split(/[ \n]/);
  const width = Math.min(widest(text.split("\n")), wrapWidth);
  const limit = Math.max(width, widest(words));
  const breaks = breakLines(
    words.map((word) => Bun.stringWidth(word)),
    limit,
  );
  const lines = breaks.map(([from, to]) => words.slice(from, to).join(" "));
  return { lines, width: Math.max(width, widest(lines)) };
}

function widest(texts: readonly string[]): number {
  return texts.reduce((width, text) => Math.max(width, Bun.stringWidth(text)), 0);
}

function breakLines(widths: readonly number[], limit: number): [from: number, to: number][] {
  const count = widths.length;
  const cost: number[] = Array.from({ length: count + 1 }, () => Number.POSITIVE_INFINITY);
  const next: number[] = Array.from({ length: count }, () => count);
  for (let from = count - 1, tail = -1; from >= 0; from--) {
    tail += 1 + (widths[from] ?? 0);
    if (tail <= limit) {
      cost[from] = 0;
      continue;
    }
    for (let to = from + 1, length = widths[from] ?? 0; to < count && length <= limit; to++) {
      const candidate = (limit - length) ** 2 + (cost[to] ?? 0);
      if (candidate < (cost[from] ?? 0)) {
        cost[from] = candidate;
        next[from] = to;
      }
      length += 1 + (widths[to] ?? 0);
    }
  }
  const lines: [number, number][] = [];
  for (let from = 0; from < count; from = lines.at(-1)?.[1] ?? count) lines.push([from, next[from] ?? count]);
  return lines;
}
