// JSON as Go's encoder writes it: <, >, & and the two Unicode line separators are escaped inside strings. Clients parse
// either form; digests of layers only agree with Ollama's when the bytes do.

const ESCAPED: Record<string, string> = {
  "<": "\\u003c",
  ">": "\\u003e",
  "&": "\\u0026",
  "\u2028": "\\u2028",
  "\u2029": "\\u2029",
};

/** JSON.stringify with Go's HTML escaping. These characters only occur inside strings, so replacing is enough. */
export function goJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (char) => ESCAPED[char] ?? char);
}

/** What json.NewEncoder(w).Encode writes: keys of maps sorted when `sortKeys`, and a newline at the end. */
export function goJsonLine(value: unknown, options: { sortKeys?: boolean } = {}): string {
  return `${goJson(options.sortKeys === true ? sorted(value) : value)}\n`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}
