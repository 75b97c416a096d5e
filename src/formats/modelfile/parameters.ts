// PARAMETER values: text → typed options, with Ollama's messages (api/types.go, FormatParams; parser/parser.go).

import { AppError } from "../../base/errors.ts";
import { shortFloat } from "../../base/short-float.ts";
import type { Modelfile } from "./parse.ts";

export type ParameterValue = number | boolean | readonly string[];
export type ParameterKind = "int" | "float" | "bool" | "strings";

export const parameterKinds: Readonly<Record<string, ParameterKind>> = {
  num_ctx: "int",
  num_batch: "int",
  num_gpu: "int",
  main_gpu: "int",
  use_mmap: "bool",
  num_thread: "int",
  draft_num_predict: "int",
  num_keep: "int",
  seed: "int",
  num_predict: "int",
  top_k: "int",
  top_p: "float",
  min_p: "float",
  typical_p: "float",
  repeat_last_n: "int",
  temperature: "float",
  repeat_penalty: "float",
  presence_penalty: "float",
  frequency_penalty: "float",
  stop: "strings",
};

const DEPRECATED = new Set([
  "penalize_newline",
  "low_vram",
  "f16_kv",
  "logits_all",
  "vocab_only",
  "use_mlock",
  "mirostat",
  "mirostat_tau",
  "mirostat_eta",
]);

const NOT_PARAMETERS = new Set([
  "model",
  "license",
  "template",
  "system",
  "adapter",
  "draft",
  "renderer",
  "parser",
  "requires",
  "remote_model",
  "message",
]);

export interface Parameters {
  readonly values: Readonly<Record<string, ParameterValue>>;
  /** Lines to show the user, one for each deprecated name that was dropped. */
  readonly warnings: readonly string[];
}

/** Repeated `stop` lines add up; any other repeated name keeps its last value. */
export function parameterValues(modelfile: Modelfile): Parameters {
  const values: Record<string, ParameterValue> = {};
  const warnings: string[] = [];
  for (const { name, args } of modelfile.commands) {
    if (NOT_PARAMETERS.has(name)) continue;
    if (DEPRECATED.has(name)) {
      warnings.push(`warning: parameter ${name} is deprecated`);
      continue;
    }
    const value = parseParameter(name, [args]);
    const before = values[name];
    values[name] = Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value;
  }
  return { values, warnings };
}

/** One named parameter from its words; all but `stop` read only the first word. */
export function parseParameter(name: string, words: readonly string[]): ParameterValue {
  const kind = Object.hasOwn(parameterKinds, name) ? parameterKinds[name] : undefined;
  const word = words[0] ?? "";
  switch (kind) {
    case "int":
      return parseInteger(word) ?? invalid("int", words);
    case "float":
      return parseFloat32(word) ?? invalid("float", words);
    case "bool":
      return parseBoolean(word) ?? invalid("bool", words);
    case "strings":
      return [...words];
    case undefined:
      throw new AppError("invalid", `unknown parameter '${name}'`);
    default:
      return kind satisfies never;
  }
}

function invalid(kind: string, words: readonly string[]): never {
  throw new AppError("invalid", `invalid ${kind} value [${words.join(" ")}]`);
}

/** 64-bit as in Go; beyond 2^53 the nearest double is kept. */
function parseInteger(word: string): number | undefined {
  if (!/^[+-]?\d{1,400}$/.test(word)) return undefined;
  const value = BigInt(word.replace(/^\+/, "").replace(/^-/, "")) * (word.startsWith("-") ? -1n : 1n);
  return BigInt.asIntN(64, value) === value ? Number(value) : undefined;
}

const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;
const HEXADECIMAL = /^([+-]?)0x([\da-f]*)(?:\.([\da-f]*))?p([+-]?\d+)$/i;

/** As the shortest decimal that names the same 32-bit float. Infinity and NaN, which JSON cannot carry, are refused. */
function parseFloat32(word: string): number | undefined {
  const value = parseGoFloat(word);
  return Number.isFinite(Math.fround(value)) ? shortFloat(value) : undefined;
}

/** Go also reads hexadecimal floats, and underscores after a digit or the prefix when a digit follows. */
function parseGoFloat(word: string): number {
  const isHexadecimal = /^[+-]?0x/i.test(word);
  const misplaced = isHexadecimal ? /_(?![\da-f])|(?<![\da-fx])_/i : /_(?!\d)|(?<!\d)_/;
  if (misplaced.test(word)) return Number.NaN;
  const digits = word.replaceAll("_", "");
  if (isHexadecimal) return parseHexadecimal(digits);
  return DECIMAL.test(digits) ? Number(digits) : Number.NaN;
}

function parseHexadecimal(digits: string): number {
  const match = HEXADECIMAL.exec(digits);
  const [, sign, whole = "", fraction = "", exponent] = match ?? [];
  if (match === null || whole + fraction === "") return Number.NaN;
  let value = 0;
  for (const digit of whole + fraction) value = value * 16 + Number.parseInt(digit, 16);
  return (sign === "-" ? -value : value) * 2 ** (Number(exponent) - 4 * fraction.length);
}

function parseBoolean(word: string): boolean | undefined {
  if (/^(?:1|t|T|true|TRUE|True)$/.test(word)) return true;
  return /^(?:0|f|F|false|FALSE|False)$/.test(word) ? false : undefined;
}
