// Cutting and padding by columns on the screen rather than by characters.

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** The longest beginning that needs at most `columns`. */
export function fit(text: string, columns: number): string {
  if (Bun.stringWidth(text) <= columns) return text;
  let kept = "";
  let width = 0;
  for (const { segment } of graphemes.segment(text)) {
    width += Bun.stringWidth(segment);
    if (width > columns) break;
    kept += segment;
  }
  return kept;
}

export function padStart(text: string, columns: number): string {
  return " ".repeat(Math.max(0, columns - Bun.stringWidth(text))) + text;
}
