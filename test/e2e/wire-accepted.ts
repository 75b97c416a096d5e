// What differs from the recorded answers, entry by entry, as the comparison words it. docs/differences.md gives the reasons.

/** A request that is wrong is a 400 here, with Ollama's own text; Ollama calls these a 500. */
const callersFault = ["status 500 → 400"];

/** Refusals of a create say charset=utf-8 like every other error. */
const createCharset = ["header content-type: application/json → application/json; charset=utf-8"];

/** The recorded Ollama was not started for embeddings; any model can be asked for them here. */
const embedded = (error: readonly string[], answer: readonly string[], status: number): readonly string[] => [
  `status ${status} → 200`,
  ...answer.map((path) => `+${path}`),
  ...error.map((path) => `-${path}`),
];
const NO_EMBEDDINGS = "This server does not support embeddings. Start it with `--embeddings`";

export const accepted: Readonly<Record<string, readonly string[]>> = {
  "gen-format-bad-string": callersFault,
  "gen-format-bad-number": callersFault,
  "gen-option-wrong-type": callersFault,
  "gen-option-stop-string": callersFault,
  "gen-images-text-model": [
    '+.error: "smollm2:135m" cannot be given images: this build runs text models only',
    '-.error: {"error":{"code":400,"message":"Multimodal data provided, but model does not support multimodal requests.","type":"invalid_request_error"}}',
  ],
  "create-nothing": createCharset,
  "create-bad-template": createCharset,
  "create-bad-quantize": [
    ...callersFault,
    ...createCharset,
    "+.error: unsupported quantization type Q9 - supported types are F32, F16, BF16, Q8_0, Q6_K, Q5_K_M, Q5_K_S, Q5_1, Q5_0, Q4_K_M, Q4_K_S, Q4_1, Q4_0, IQ4_NL, IQ4_XS, Q3_K_L, Q3_K_M, Q3_K_S, IQ3_M, IQ3_S, Q2_K, TQ1_0, TQ2_0",
    "-.error: unsupported quantization type Q9 - supported types are F32, F16, Q4_K_S, Q4_K_M, Q8_0",
  ],
  "create-requantize": [...callersFault, ...createCharset],
  "embed-generative": embedded(
    [`.error: ${NO_EMBEDDINGS}`],
    [
      ".embeddings: list",
      ".embeddings[]: list",
      ".embeddings[][]: number",
      ".load_duration: number",
      ".model: string",
      ".prompt_eval_count: number",
      ".total_duration: number",
    ],
    501,
  ),
  "embeddings-legacy": embedded([`.error: ${NO_EMBEDDINGS}`], [".embedding: list", ".embedding[]: number"], 500),
  "v1-embeddings": embedded(
    [
      ".error.code: null",
      `.error.message: ${NO_EMBEDDINGS}`,
      ".error.param: null",
      ".error.type: api_error",
      ".error: object",
    ],
    [
      ".data: list",
      ".data[].embedding: list",
      ".data[].embedding[]: number",
      ".data[].index: number",
      ".data[].object: string",
      ".data[]: object",
      ".model: string",
      ".object: list",
      ".usage.prompt_tokens: number",
      ".usage.total_tokens: number",
      ".usage: object",
    ],
    501,
  ),
  // An answer cut by max_output_tokens is incomplete, as at OpenAI.
  "v1-responses": [
    "+.completed_at: null",
    "+.incomplete_details.reason: string",
    "+.incomplete_details: object",
    "+.status: incomplete",
    "-.completed_at: number",
    "-.incomplete_details: null",
    "-.status: completed",
  ],
  // Anthropic's clients know these fields as always there.
  "v1-messages": ["+.stop_sequence: null"],
  "v1-messages-stream": [
    "first line: +.message.stop_reason: null",
    "first line: +.message.stop_sequence: null",
    "between: +.delta.stop_sequence: null",
  ],
  // Ollama sends three Vary headers, of which the recording kept the last.
  "cors-preflight": [
    "header vary: Access-Control-Request-Headers → Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
  ],
};
