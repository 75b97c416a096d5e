// Runs a model's own Jinja chat template (GGUF tokenizer.chat_template), with limits: a template that loops for ever or
// explodes comes from whoever made the model, and must not hurt the server.

import { Environment, parse, type Template, tokenize } from "@huggingface/jinja";
import { AppError } from "../base/errors.ts";
import { LimitedInterpreter, takesTooLong } from "./limited-interpreter.ts";

const MAX_SOURCE = 512 * 1024;
const MAX_RANGE = 100_000;
const MAX_FORMAT = 256;
/** The library's tokenizer looks at each space of a run again for each: a long run would keep it busy for minutes. */
const LONG_GAP = /\s{1000}/;

function range(start: number, stop?: number, step = 1): number[] {
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  if (step === 0) throw new Error("range() step must not be zero");
  const count = Math.max(0, Math.ceil((to - from) / step));
  if (count > MAX_RANGE) throw takesTooLong();
  return Array.from({ length: count }, (_, i) => from + i * step);
}

/** strftime for what chat templates ask of it; unknown directives stay as they are. */
function strftime(format: string, now: Date): string {
  if (format.length > MAX_FORMAT) throw takesTooLong();
  const pad = (value: number) => String(value).padStart(2, "0");
  const name = (options: Intl.DateTimeFormatOptions) => now.toLocaleDateString("en-US", options);
  const directives: Record<string, () => string> = {
    Y: () => String(now.getFullYear()),
    m: () => pad(now.getMonth() + 1),
    d: () => pad(now.getDate()),
    e: () => String(now.getDate()).padStart(2, " "),
    H: () => pad(now.getHours()),
    M: () => pad(now.getMinutes()),
    S: () => pad(now.getSeconds()),
    b: () => name({ month: "short" }),
    B: () => name({ month: "long" }),
    a: () => name({ weekday: "short" }),
    A: () => name({ weekday: "long" }),
    y: () => pad(now.getFullYear() % 100),
    j: () =>
      String(Math.ceil((now.getTime() - new Date(now.getFullYear(), 0, 1).getTime()) / 86_400_000)).padStart(3, "0"),
    "%": () => "%",
  };
  return format.replace(/%(.)/g, (whole, letter: string) => directives[letter]?.() ?? whole);
}

export class JinjaTemplate {
  readonly #program: Template["parsed"];

  /** Throws `invalid` when the source is no template. */
  constructor(readonly source: string) {
    if (source.length > MAX_SOURCE) throw new AppError("invalid", "the model's chat template is too long");
    if (LONG_GAP.test(source)) throw new AppError("invalid", "chat template: 1000 blanks in a row");
    try {
      this.#program = parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
    } catch (error) {
      throw new AppError("invalid", `chat template: ${reasonOf(error)}`, { cause: error });
    }
  }

  /** Renders with the given variables. Throws `invalid`: the template refused (raise_exception), failed, or ran away. */
  render(variables: Readonly<Record<string, unknown>>): string {
    const environment = new Environment();
    const globals: Record<string, unknown> = {
      true: true,
      false: false,
      none: null,
      True: true,
      False: false,
      None: null,
      range,
      strftime_now: (format: string) => strftime(format, new Date()),
      raise_exception: (message: string) => {
        throw new AppError("invalid", message);
      },
      ...variables,
    };
    for (const [name, value] of Object.entries(globals)) environment.set(name, value);
    try {
      const result: unknown = new LimitedInterpreter(environment).run(this.#program).value;
      return typeof result === "string" ? result : "";
    } catch (error) {
      if (error instanceof AppError) throw error;
      throw new AppError("invalid", `chat template: ${reasonOf(error)}`, { cause: error });
    }
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof RangeError) return "nested too deeply";
  return error instanceof Error ? error.message : String(error);
}
