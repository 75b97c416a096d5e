// A BERT computed the long way, in double precision: the same network as llama.cpp's, written down
// a second time. All tokens are of the first type, as in llama.cpp.

import type { TinyLayout } from "./tiny-gguf.ts";

const HEADS = 2;
const EPSILON = 1e-12;

type Row = readonly number[];

/** The score of a cross-encoder: its head on the first token. */
export function bertScore(layout: TinyLayout, tokens: readonly number[]): number {
  const { states, linear } = bertStates(layout, tokens);
  const pooled = linear("cls", states[0] ?? []).map(Math.tanh);
  return linear("cls.output", pooled)[0] ?? Number.NaN;
}

/** An embedding: the mean over the tokens, brought to length 1. */
export function bertVector(layout: TinyLayout, tokens: readonly number[]): number[] {
  const { states } = bertStates(layout, tokens);
  const mean = states.reduce(add).map((value) => value / states.length);
  const length = Math.sqrt(sum(mean.map((value) => value * value)));
  return mean.map((value) => value / length);
}

function bertStates(
  { tensors }: TinyLayout,
  tokens: readonly number[],
): { states: Row[]; linear: (name: string, input: Row) => Row } {
  const values = (name: string): Float32Array => {
    const tensor = tensors.find((one) => one.name === name);
    if (tensor === undefined) throw new Error(`no tensor ${name}`);
    return new Float32Array(tensor.data.buffer);
  };
  const rowOf = (name: string, index: number, width: number): Row => [
    ...values(name).subarray(index * width, (index + 1) * width),
  ];
  const linear = (name: string, input: Row): Row =>
    Array.from(values(`${name}.bias`), (bias, out) => bias + dot(rowOf(`${name}.weight`, out, input.length), input));
  const norm = (name: string, input: Row): Row => {
    const mean = sum(input) / input.length;
    const spread = Math.sqrt(sum(input.map((value) => (value - mean) ** 2)) / input.length + EPSILON);
    const weight = values(`${name}.weight`);
    const bias = values(`${name}.bias`);
    return input.map((value, i) => ((value - mean) / spread) * (weight[i] ?? 0) + (bias[i] ?? 0));
  };
  const width = values("token_embd_norm.weight").length;
  let state = tokens.map((token, position) =>
    norm(
      "token_embd_norm",
      add(
        rowOf("token_embd.weight", token, width),
        add(rowOf("token_types.weight", 0, width), rowOf("position_embd.weight", position, width)),
      ),
    ),
  );
  const layers = tensors.filter(({ name }) => /^blk\.\d+\.attn_q\.weight$/.test(name)).length;
  for (let layer = 0; layer < layers; layer++) {
    const at = `blk.${layer}`;
    const [queries, keys, contents] = ["q", "k", "v"].map((part) =>
      state.map((row) => linear(`${at}.attn_${part}`, row)),
    );
    const mixed = attend(queries ?? [], keys ?? [], contents ?? []);
    state = state.map((row, i) => {
      const after = norm(`${at}.attn_output_norm`, add(row, linear(`${at}.attn_output`, mixed[i] ?? [])));
      const hidden = linear(`${at}.ffn_up`, after).map(gelu);
      return norm(`${at}.layer_output_norm`, add(after, linear(`${at}.ffn_down`, hidden)));
    });
  }
  return { states: state, linear };
}

function attend(queries: readonly Row[], keys: readonly Row[], contents: readonly Row[]): Row[] {
  const size = (queries[0]?.length ?? 0) / HEADS;
  return queries.map((query) =>
    Array.from({ length: HEADS }, (_, head) => {
      const part = (row: Row): Row => row.slice(head * size, (head + 1) * size);
      const scores = keys.map((key) => dot(part(query), part(key)) / Math.sqrt(size));
      const top = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - top));
      const total = sum(weights);
      return Array.from({ length: size }, (__, i) =>
        sum(contents.map((row, token) => ((weights[token] ?? 0) / total) * (part(row)[i] ?? 0))),
      );
    }).flat(),
  );
}

/** The tanh form, as ggml_gelu has it. */
function gelu(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

function add(a: Row, b: Row): Row {
  return a.map((value, i) => value + (b[i] ?? 0));
}

function dot(a: Row, b: Row): number {
  return sum(a.map((value, i) => value * (b[i] ?? 0)));
}

function sum(values: Row): number {
  return values.reduce((total, value) => total + value, 0);
}
