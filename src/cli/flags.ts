// Flag parsing with the grammar and the messages of Go's pflag, which Ollama's command line is built on:
//   --x v   --x=v   -f v   -f=v   -fv   -abc   --   and flags may follow positional arguments.

import { AppError } from "../base/errors.ts";
import { goQuote, goQuoteRune } from "../base/go-text.ts";
import { parseGoInteger } from "./go-integer.ts";
import type { Flags, FlagSpec } from "./command.ts";

export type FlagValue = boolean | string | number;

export interface ParsedFlags {
  readonly values: Record<string, FlagValue>;
  readonly given: Set<string>;
  readonly args: string[];
  argsBeforeDash: number | undefined;
}

export function parseFlags(flags: Flags, argv: readonly string[]): ParsedFlags {
  const parsed: ParsedFlags = { values: zeroValues(flags), given: new Set(), args: [], argsBeforeDash: undefined };
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--") {
      parsed.argsBeforeDash = parsed.args.length;
      parsed.args.push(...rest);
      break;
    }
    if (word.startsWith("--")) parseLong(flags, word, rest, parsed);
    else if (word.startsWith("-") && word.length > 1) parseShort(flags, word.slice(1), rest, parsed);
    else parsed.args.push(word);
  }
  return parsed;
}

/** What `--flag` alone means; undefined where it takes the next word. */
export function bareValue(flag: FlagSpec | undefined): string | undefined {
  return flag?.bareValue ?? (flag?.type === "bool" ? "true" : undefined);
}

export function findLong(flags: Flags, name: string): FlagSpec | undefined {
  return Object.hasOwn(flags, name) ? flags[name] : undefined;
}

export function findShort(flags: Flags, letter: string): [name: string, flag: FlagSpec] | undefined {
  return Object.entries(flags).find(([, flag]) => flag.short === letter);
}

function zeroValues(flags: Flags): Record<string, FlagValue> {
  const zero = { bool: false, string: "", int: 0 } as const;
  return Object.fromEntries(Object.entries(flags).map(([name, flag]) => [name, zero[flag.type]]));
}

function parseLong(flags: Flags, word: string, rest: string[], into: ParsedFlags): void {
  const body = word.slice(2);
  if (body.startsWith("-") || body.startsWith("=")) throw invalid(`bad flag syntax: ${word}`);
  const equals = body.indexOf("=");
  const name = equals < 0 ? body : body.slice(0, equals);
  const flag = findLong(flags, name);
  if (flag === undefined) throw invalid(`unknown flag: --${name}`);
  const value = equals < 0 ? (bareValue(flag) ?? rest.shift()) : body.slice(equals + 1);
  if (value === undefined) throw invalid(`flag needs an argument: ${word}`);
  set(name, flag, value, into);
}

function parseShort(flags: Flags, letters: string, rest: string[], into: ParsedFlags): void {
  for (let left = letters; left !== "";) {
    const letter = firstByte(left);
    const found = findShort(flags, letter);
    if (found === undefined) throw invalid(`unknown shorthand flag: ${goQuoteRune(letter)} in -${left}`);
    const [name, flag] = found;
    const tail = left.slice(1);
    const bare = bareValue(flag);
    if (tail.length > 1 && tail.startsWith("=")) return set(name, flag, tail.slice(1), into);
    if (bare === undefined) {
      const value = tail === "" ? rest.shift() : tail;
      if (value === undefined) throw invalid(`flag needs an argument: ${goQuoteRune(letter)} in -${left}`);
      return set(name, flag, value, into);
    }
    set(name, flag, bare, into);
    left = tail;
  }
}

/** pflag looks at bytes, so a letter outside ASCII shows up as its first byte. */
function firstByte(text: string): string {
  return String.fromCharCode(Buffer.from(text, "utf8")[0] ?? 0);
}

function set(name: string, flag: FlagSpec, text: string, into: ParsedFlags): void {
  into.values[name] = readValue(name, flag, text);
  into.given.add(name);
}

function readValue(name: string, flag: FlagSpec, text: string): FlagValue {
  const refuse = (problem: string): AppError => {
    const shown = flag.short === undefined ? `--${name}` : `-${flag.short}, --${name}`;
    return invalid(`invalid argument ${goQuote(text)} for ${goQuote(shown)} flag: ${problem}`);
  };
  switch (flag.type) {
    case "string":
      return text;
    case "bool":
      if (/^(?:1|t|T|true|TRUE|True)$/.test(text)) return true;
      if (/^(?:0|f|F|false|FALSE|False)$/.test(text)) return false;
      throw refuse(`strconv.ParseBool: parsing ${goQuote(text)}: invalid syntax`);
    case "int": {
      const result = parseGoInteger(text);
      if (typeof result === "number") return result;
      throw refuse(`strconv.ParseInt: parsing ${goQuote(text)}: ${result}`);
    }
    default:
      return flag.type satisfies never;
  }
}

function invalid(message: string): AppError {
  return new AppError("invalid", message);
}
