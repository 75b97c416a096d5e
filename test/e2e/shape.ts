// An answer of any dialect, whole or streamed, reduced to what must be equal wherever it was computed: names, types, words and
// counts; not times, ids, or how the words were cut into pieces.

const CHANGING =
  /^(created|created_at|completed_at|id|item_id|call_id|remote_model|remote_host|model|system_fingerprint|obfuscation)$|_duration$|_cached_count$|cached_tokens$|^prompt_tokens_details$|^input_tokens_details$/;
const WORDS = /^(content|response|text|delta|thinking|reasoning)$/;

export interface Shape {
  readonly kinds: readonly string[];
  readonly words: string;
}

export function shapeOf(answer: string): Shape {
  const kinds = new Set<string>();
  let words = "";
  const walk = (value: unknown, path: string): void => {
    if (Array.isArray(value)) return value.forEach((item) => walk(item, `${path}[]`));
    if (typeof value === "object" && value !== null) {
      for (const [key, item] of Object.entries(value)) {
        if (!CHANGING.test(key)) walk(item, `${path}.${key}`);
      }
      return;
    }
    kinds.add(`${path}: ${value === null ? "null" : typeof value}`);
    if (typeof value === "string" && WORDS.test(path.split(".").at(-1) ?? "")) words += value;
  };
  for (const value of documents(answer)) walk(value, "");
  return { kinds: [...kinds].sort(), words };
}

/** One JSON document, lines of them, or server-sent events. */
function documents(answer: string): unknown[] {
  return answer
    .split("\n")
    .map((line) => line.replace(/^data: /, "").trim())
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as unknown);
}
