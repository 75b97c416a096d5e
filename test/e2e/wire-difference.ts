// Compares an answer with a recorded one by what a client can see: status, headers that were recorded, the fields and their types,
// the texts of errors and of progress. Generated text, times, ids and digests may differ.

export interface Recorded {
  readonly request: {
    readonly name: string;
    readonly method: string;
    readonly path: string;
    readonly body?: unknown;
    readonly raw?: string;
    readonly headers?: Readonly<Record<string, string>>;
  };
  readonly answer: Answer;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly lines?: readonly unknown[];
  readonly events?: readonly string[];
  readonly text?: string;
}

/** What Anthropic's types demand of a message, whole and at the start and end of a stream. */
const ANTHROPIC = ["", ".message", ".delta"].flatMap((place) => [
  ...["container", "stop_details", "diagnostics"].map((name) => `${place}.${name}: null`),
  ...["cache_creation", "inference_geo", "output_tokens_details", "server_tool_use", "service_tier", "speed"].map(
    (name) => `${place}.usage.${name}: null`,
  ),
  ...["cache_creation_input_tokens", "cache_read_input_tokens"].map((name) => `${place}.usage.${name}: number`),
]);

/** Fields that only this server has; clients pass over what they do not know (docs/differences.md, "Fields of ours"). */
const OURS = [
  ".prompt_cached_count: number",
  ".draft_count: number",
  ".draft_accepted_count: number",
  ".models[].parallel: number",
  ".models[].active_requests: number",
  ".models[].queued_requests: number",
  ".access: object",
  ".access.exposed: boolean",
  ".access.keys: number",
  ".access.keys_required: boolean",
  ".access.listen: string",
  ".access.remote_management: boolean",
  ".usage.prompt_tokens_details: object",
  ".usage.prompt_tokens_details.cached_tokens: number",
  ".choices[].logprobs: null",
  ".choices[].logprobs.refusal: null",
  ".choices[].message.refusal: null",
  ...ANTHROPIC,
];

/** Empty when they look alike. */
export function differences(want: Answer, got: Answer): string[] {
  const found: string[] = [];
  if (want.status !== got.status) found.push(`status ${want.status} → ${got.status}`);
  for (const [name, value] of Object.entries(want.headers)) {
    if (got.headers[name] !== value) found.push(`header ${name}: ${value} → ${got.headers[name] ?? "none"}`);
  }
  if (want.text !== undefined && want.text !== got.text) found.push(`text ${want.text} → ${got.text ?? "none"}`);
  if (want.json !== undefined) found.push(...shapeDifferences([want.json], [got.json]));
  if (want.lines !== undefined) found.push(...streamDifferences(want.lines, got.lines ?? []));
  if (want.events !== undefined) found.push(...eventDifferences(want.events, got.events ?? []));
  return found;
}

/** First lines with first lines, last with last, and whatever lies between with the same. */
function streamDifferences(want: readonly unknown[], got: readonly unknown[]): string[] {
  return [
    ...shapeDifferences(want.slice(0, 1), got.slice(0, 1)).map((text) => `first line: ${text}`),
    ...shapeDifferences(want.slice(1, -1), got.slice(1, -1)).map((text) => `between: ${text}`),
    ...shapeDifferences(want.slice(-1), got.slice(-1)).map((text) => `last line: ${text}`),
  ];
}

function eventDifferences(want: readonly string[], got: readonly string[]): string[] {
  const nameOf = (event: string) => /^event: (.*)$/m.exec(event)?.[1] ?? "";
  const sequence = (events: readonly string[]) =>
    events
      .map(nameOf)
      .filter((name, index, all) => name !== all[index - 1])
      .join(" ");
  const dataOf = (event: string): unknown => {
    const text = event.slice(event.indexOf("data: ") + 6);
    return text === "[DONE]" ? text : JSON.parse(text);
  };
  const order = sequence(want) === sequence(got) ? [] : [`events: ${sequence(want)} → ${sequence(got)}`];
  return [...order, ...streamDifferences(want.map(dataOf), got.map(dataOf))];
}

function shapeDifferences(want: readonly unknown[], got: readonly unknown[]): string[] {
  const wanted = new Set(want.flatMap((value) => shape(value, "")));
  const present = new Set(got.flatMap((value) => shape(value, "")));
  const missing = [...wanted].filter((path) => !present.has(path)).map((path) => `-${path}`);
  const added = [...present].filter((path) => !wanted.has(path) && !OURS.includes(path)).map((path) => `+${path}`);
  return [...missing, ...added].sort();
}

/** Texts that clients compare or show: they must be the same, apart from digests. */
const EXACT = new Set([".error", ".status", ".done_reason", ".error.message", ".error.type", ".object", ".type"]);

/** One entry for each field with its type; for the fields that clients read as words, with its text. */
function shape(value: unknown, path: string): string[] {
  if (Array.isArray(value)) return [`${path}: list`, ...value.flatMap((item: unknown) => shape(item, `${path}[]`))];
  if (typeof value === "object" && value !== null) {
    return [`${path}: object`, ...Object.entries(value).flatMap(([key, item]) => shape(item, `${path}.${key}`))];
  }
  // Whether a text ends by itself or at its limit depends on the text.
  if (path === ".done_reason" && (value === "stop" || value === "length")) return [`${path}: stop or length`];
  if (typeof value === "string" && EXACT.has(path)) return [`${path}: ${value.replace(/[0-9a-f]{64}/g, "(digest)")}`];
  return [`${path}: ${value === null ? "null" : typeof value}`];
}
