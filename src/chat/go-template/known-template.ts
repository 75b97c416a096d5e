// Recognises the chat template of an imported GGUF as one of those Ollama ships a Go template for (template.Named).
// The table is Ollama's template/index.json with its .gotmpl and .json files, MIT licensed.

import table from "./known-templates.json" with { type: "json" };

export interface KnownTemplate {
  readonly name: string;
  readonly template: string;
  readonly stop: readonly string[];
}

// Ollama accepts a distance below 100.
const LIMIT = 100;

/** Edit distance in code points, or `limit` when it is not below that; only a diagonal band is computed. */
function distanceBelow(limit: number, a: readonly string[], b: readonly string[]): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let previous = new Uint32Array(b.length + 1).fill(limit);
  let current = new Uint32Array(b.length + 1).fill(limit);
  for (let column = 0; column <= Math.min(b.length, limit); column++) previous[column] = column;
  for (let row = 1; row <= a.length; row++) {
    const from = Math.max(1, row - limit);
    const to = Math.min(b.length, row + limit);
    current[from - 1] = from === 1 ? Math.min(row, limit) : limit;
    let best = current[from - 1] ?? limit;
    for (let column = from; column <= to; column++) {
      const replaced = (previous[column - 1] ?? limit) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const distance = Math.min(replaced, (previous[column] ?? limit) + 1, (current[column - 1] ?? limit) + 1, limit);
      current[column] = distance;
      if (distance < best) best = distance;
    }
    if (to < b.length) current[to + 1] = limit;
    if (best >= limit) return limit;
    [previous, current] = [current, previous];
  }
  return Math.min(previous[b.length] ?? limit, limit);
}

/** The closest known template; undefined where none is close enough. */
export function detectKnownTemplate(chatTemplate: string): KnownTemplate | undefined {
  const wanted = Array.from(chatTemplate);
  let best = LIMIT;
  let found: string | undefined;
  for (const { name, chatTemplate: known } of table.chatTemplates) {
    const distance = distanceBelow(best, wanted, Array.from(known));
    if (distance >= best) continue;
    best = distance;
    found = name;
  }
  return table.templates.find(({ name }) => name === found);
}
