// Edited text → rows on the screen, and the difference between two such pictures → what to write. Every row is broken here,
// never by the terminal, and the last column stays free: so the cursor always has a place, and no terminal's way of wrapping
// matters. Rows after the first begin with the second prompt, as in Ollama.

import { fit } from "../ui/fit.ts";
import { type Cell, TAB_WIDTH } from "./buffer.ts";

export interface Frame {
  readonly rows: readonly string[];
  readonly cursorRow: number;
  readonly cursorColumn: number;
}

export interface Picture {
  readonly cells: readonly Cell[];
  readonly cursor: number;
  readonly prompt: string;
  readonly altPrompt: string;
  /** Shown after the cursor while nothing stands there; `style` may add codes that need no room. */
  readonly hint: string;
  readonly style: (hint: string) => string;
  readonly columns: number;
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Less room than this for text, and the prompts are left out. */
const LEAST_ROOM = 8;

export function layout(picture: Picture): Frame {
  const limit = Math.max(2, picture.columns - 1);
  const prompt = promptThatFits(picture.prompt, limit);
  const altPrompt = promptThatFits(picture.altPrompt, limit);
  const rows: string[] = [];
  let row = prompt;
  let width = Bun.stringWidth(prompt);
  let cursor: { row: number; column: number } | undefined;
  const breakRow = (): void => {
    rows.push(row);
    row = altPrompt;
    width = Bun.stringWidth(altPrompt);
  };
  for (const [index, cell] of picture.cells.entries()) {
    const shown = cell.text === "\t" ? " ".repeat(Math.min(TAB_WIDTH, limit - Bun.stringWidth(altPrompt))) : cell.text;
    const cellWidth = cell.text === "\t" ? shown.length : cell.width;
    if (width + cellWidth > limit) breakRow();
    if (index === picture.cursor) cursor = { row: rows.length, column: width };
    if (cell.text === "\n") breakRow();
    else {
      row += shown;
      width += cellWidth;
    }
  }
  cursor ??= { row: rows.length, column: width };
  const hint = fit(picture.hint, limit - width);
  rows.push(hint === "" ? row : row + picture.style(hint));
  return { rows, cursorRow: cursor.row, cursorColumn: cursor.column };
}

function promptThatFits(prompt: string, limit: number): string {
  return Bun.stringWidth(prompt) + LEAST_ROOM <= limit ? prompt : "";
}

/** The part of a picture that fits the screen's height, around its cursor. */
export function clip(frame: Frame, height: number): Frame {
  const excess = frame.rows.length - Math.max(1, height);
  if (excess <= 0) return frame;
  const first = Math.min(excess, Math.max(0, frame.cursorRow - Math.floor(height / 2)));
  const last = first + Math.max(1, height);
  return {
    rows: frame.rows.slice(first, last),
    cursorRow: frame.cursorRow - first,
    cursorColumn: frame.cursorColumn,
  };
}

/** What turns the screen from one frame into the next; the cursor stands where the old frame left it. */
export function paint(before: Frame | undefined, after: Frame): string {
  const first = firstDifference(before?.rows ?? [], after.rows);
  const from = before?.cursorRow ?? 0;
  if (before !== undefined && first === after.rows.length && first === before.rows.length) {
    return moveRows(after.cursorRow - from) + column(after.cursorColumn);
  }
  // At least one row is written, so that the end of the frame is where the cursor is.
  const start = Math.min(first, after.rows.length - 1);
  const last = (before?.rows.length ?? 1) - 1;
  const toStart = start <= last ? moveRows(start - from) : `${moveRows(last - from)}${"\r\n".repeat(start - last)}`;
  const rows = after.rows.slice(start).join("\r\n");
  const back = moveRows(after.cursorRow - (after.rows.length - 1)) + column(after.cursorColumn);
  return `\x1b[?25l${toStart}\r\x1b[J${rows}${back}\x1b[?25h`;
}

/** Takes a frame off the screen, whose width may have changed since: terminals then break long rows anew. */
export function erase(frame: Frame, columns: number): string {
  const above = frame.rows.slice(0, frame.cursorRow).reduce((sum, row) => sum + 1 + breaksBefore(row, columns), 0);
  const within = breaksBefore(frame.rows[frame.cursorRow] ?? "", columns, frame.cursorColumn);
  return `${moveRows(-(above + within))}\r\x1b[J`;
}

/** How often a terminal of that width breaks a row before the given place; wide characters are never cut in half. */
function breaksBefore(row: string, columns: number, place = Number.POSITIVE_INFINITY): number {
  let breaks = 0;
  let column = 0;
  let seen = 0;
  for (const { segment } of graphemes.segment(Bun.stripANSI(row))) {
    const width = Bun.stringWidth(segment);
    if (column + width > columns) {
      breaks += 1;
      column = 0;
    }
    if (seen >= place) return breaks;
    column += width;
    seen += width;
  }
  return seen >= place && column >= columns ? breaks + 1 : breaks;
}

function firstDifference(before: readonly string[], after: readonly string[]): number {
  let index = 0;
  while (index < before.length && index < after.length && before[index] === after[index]) index += 1;
  return index;
}

function moveRows(by: number): string {
  if (by === 0) return "";
  return by < 0 ? `\x1b[${-by}A` : `\x1b[${by}B`;
}

function column(zeroBased: number): string {
  return `\x1b[${zeroBased + 1}G`;
}
