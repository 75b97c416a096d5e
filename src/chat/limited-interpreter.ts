// Runs a parsed Jinja template to a limit: of steps, of time, of text. Templates come from whoever made the model. What the
// library does between two steps is limited by what it is handed: values that would be too long when written out, and
// arguments that multiply a text.

import { type Environment, Environment as Scope, Interpreter } from "@huggingface/jinja";
import { AppError } from "../base/errors.ts";

const MAX_STEPS = 2_000_000;
const MAX_MS = 1_000;
const MAX_TEXT = 8 * 1024 * 1024;
const MAX_ENTRIES = 1_000_000;
/** Of an argument that is written once for each line, entry or match. */
const MAX_REPEATED = 64;
/** From this size on, the clock is looked at after every step. */
const LARGE = 100_000;

type Statement = Parameters<Interpreter["evaluate"]>[0];
type Value = ReturnType<Interpreter["evaluate"]>;

export function takesTooLong(): AppError {
  return new AppError("invalid", "the model's chat template takes too long");
}

function tooMuchText(): AppError {
  return new AppError("invalid", "the model's chat template produces too much text");
}

export class LimitedInterpreter extends Interpreter {
  #steps = 0;
  #large = false;
  /** Arguments of the filter that is being applied, where it writes them again and again. */
  #repeated: readonly unknown[] = [];
  readonly #lengths = new WeakMap<object, number>();
  readonly #deadlineMs = performance.now() + MAX_MS;

  override evaluate(statement: Statement, environment: Environment): Value {
    this.#steps++;
    if (this.#steps > MAX_STEPS) throw takesTooLong();
    if ((this.#large || this.#steps % 64 === 0) && performance.now() > this.#deadlineMs) throw takesTooLong();
    const isRepeated = this.#repeated.includes(statement);
    const outer = this.#repeated;
    this.#repeated = repeatedArguments(statement);
    let value: Value;
    try {
      value = super.evaluate(statement, environment);
    } finally {
      this.#repeated = outer;
    }
    const length = this.#lengthOf(value);
    this.#large = length > LARGE;
    if (length > MAX_TEXT) throw tooMuchText();
    if (isRepeated && (length > MAX_REPEATED || Number(value.value) > MAX_REPEATED)) throw tooMuchText();
    return value;
  }

  /** Of the value written out. Lists and objects are never changed once made, namespaces are. */
  #lengthOf(value: Value): number {
    const inner: unknown = value.value;
    if (typeof inner === "string") return inner.length;
    if (!Array.isArray(inner) && !(inner instanceof Map)) return 1;
    const known = this.#lengths.get(value);
    if (known !== undefined) return known;
    if ((inner instanceof Map ? inner.size : inner.length) > MAX_ENTRIES) throw tooMuchText();
    let length = 2;
    for (const entry of inner as Iterable<Value | readonly [string, Value]>) {
      const [key, child] = isPair(entry) ? entry : ["", entry];
      // One inside another could be changed after it was measured.
      if (child.type === "NamespaceValue") throw new AppError("invalid", "chat template: a namespace in another value");
      length += key.length + this.#lengthOf(child) + 2;
    }
    if (value.type !== "NamespaceValue") this.#lengths.set(value, length);
    return length;
  }
}

function isPair(entry: Value | readonly [string, Value]): entry is readonly [string, Value] {
  return Array.isArray(entry);
}

const REPEATING = new Set(["join", "indent", "tojson"]);
const NO_ARGUMENTS: readonly unknown[] = [];

interface Node {
  readonly type: string;
  readonly filter?: Node;
  readonly callee?: { readonly value?: unknown };
  readonly args?: readonly Node[];
  readonly value?: unknown;
}

function repeatedArguments(statement: Statement): readonly unknown[] {
  const { filter } = statement as unknown as Node;
  if (filter?.args === undefined || !REPEATING.has(String(filter.callee?.value))) return NO_ARGUMENTS;
  return filter.args.map((argument) => (argument.type === "KeywordArgumentExpression" ? argument.value : argument));
}

interface TextFunctions {
  readonly value: string;
  readonly builtins: Map<string, { value: (args: readonly Value[], scope: Environment) => Value }>;
}

/** Texts offer `replace` and `split`, as methods and as filters: what would come out is counted before it is made. */
function limitTextFunctions(): void {
  const prototype = Object.getPrototypeOf(new Scope().set("text", "")) as TextFunctions;
  const property = Object.getOwnPropertyDescriptor(prototype, "builtins");
  if (property?.get === undefined)
    throw new AppError("internal", "@huggingface/jinja keeps its text functions elsewhere");
  const done = new WeakSet<object>();
  Object.defineProperty(prototype, "builtins", {
    configurable: true,
    get(this: TextFunctions) {
      const functions = property.get?.call(this) as TextFunctions["builtins"];
      if (done.has(functions)) return functions;
      done.add(functions);
      limit(functions.get("replace"), ([old, fresh]) => {
        const added = typeof fresh?.value === "string" ? fresh.value.length : 0;
        if (this.value.length + occurrences(this.value, old?.value) * added > MAX_TEXT) throw tooMuchText();
      });
      limit(functions.get("split"), ([separator]) => {
        if (occurrences(this.value, separator?.value ?? " ") > MAX_ENTRIES) throw tooMuchText();
      });
      return functions;
    },
  });
}

type TextFunction = { value: (args: readonly Value[], scope: Environment) => Value };

function limit(text: TextFunction | undefined, check: (args: readonly Value[]) => void): void {
  if (text === undefined) throw new AppError("internal", "@huggingface/jinja names its text functions otherwise");
  const act = text.value;
  text.value = (args, scope) => {
    check(args);
    return act(args, scope);
  };
}

function occurrences(text: string, part: unknown): number {
  if (typeof part !== "string") return 0;
  if (part === "") return text.length + 1;
  let count = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) count++;
  return count;
}

limitTextFunctions();
