// fmt's Sprint, Sprintln and Sprintf: how operands are joined and how a format string consumes them (fmt/print.go).

import type { Budget } from "./budget.ts";
import { noFlags } from "./flags.ts";
import { Printer } from "./format.ts";
import { typeName, unboxed, type Value } from "./value.ts";

// Widths and precisions beyond this are ignored by Go as nonsense.
const MAX_NUMBER = 1_000_000;

export function sprint(args: readonly Value[], budget: Budget): string {
  const printer = new Printer(budget);
  let afterString = true;
  for (const arg of args) {
    const isString = unboxed(arg).kind === "string";
    if (!isString && !afterString) printer.write(" ");
    printer.printArgument(arg, "v");
    afterString = isString;
  }
  return printer.text();
}

export function sprintln(args: readonly Value[], budget: Budget): string {
  const printer = new Printer(budget);
  for (const [index, arg] of args.entries()) {
    if (index > 0) printer.write(" ");
    printer.printArgument(arg, "v");
  }
  return `${printer.text()}\n`;
}

class Sprintf {
  readonly #printer: Printer;
  #at = 0;
  #argument = 0;
  #reordered = false;
  #goodIndex = true;
  /** The previous item of the directive was an explicit index like [3]. */
  #afterIndex = false;

  constructor(
    readonly format: string,
    readonly args: readonly Value[],
    budget: Budget,
  ) {
    this.#printer = new Printer(budget);
  }

  run(): string {
    const { format } = this;
    while (this.#at < format.length) {
      const percent = format.indexOf("%", this.#at);
      const end = percent < 0 ? format.length : percent;
      if (end > this.#at) this.#printer.write(format.slice(this.#at, end));
      this.#at = end + 1;
      if (percent < 0) break;
      this.#printer.budget.step();
      if (!this.#directive()) break;
    }
    this.#reportExtra();
    return this.#printer.text();
  }

  /** One directive after its %; false when the format ended inside it. */
  #directive(): boolean {
    this.#printer.flags = noFlags();
    this.#goodIndex = true;
    this.#readFlags();
    // A plain lower-case verb needs no more parsing; as in fmt, this path leaves the index state alone.
    if (/^[a-z]$/.test(this.#char()) && this.#argument < this.args.length) {
      this.#verb(this.#char());
      return true;
    }
    this.#readIndex();
    this.#readWidth();
    this.#readPrecision();
    if (!this.#afterIndex) this.#readIndex();
    const code = this.format.codePointAt(this.#at);
    if (code === undefined) {
      this.#printer.write("%!(NOVERB)");
      return false;
    }
    this.#verb(String.fromCodePoint(code));
    return true;
  }

  #char(): string {
    return this.format.charAt(this.#at);
  }

  #readFlags(): void {
    const { flags } = this.#printer;
    for (; ; this.#at++) {
      switch (this.#char()) {
        case "#":
          flags.sharp = true;
          break;
        case "0":
          flags.zero = true;
          break;
        case "+":
          flags.plus = true;
          break;
        case "-":
          flags.minus = true;
          break;
        case " ":
          flags.space = true;
          break;
        default:
          return;
      }
    }
  }

  #readNumber(): number | undefined {
    let value: number | undefined;
    for (; /^[0-9]$/.test(this.#char()); this.#at++) {
      if ((value ?? 0) > MAX_NUMBER) {
        // Go gives up on the whole format string here.
        this.#at = this.format.length;
        return undefined;
      }
      value = (value ?? 0) * 10 + Number(this.#char());
    }
    return value;
  }

  #readIndex(): void {
    this.#afterIndex = false;
    if (this.#char() !== "[") return;
    this.#reordered = true;
    const close = this.format.indexOf("]", this.#at);
    if (close < 0 || this.format.length - this.#at < 3) {
      this.#goodIndex = false;
      this.#at++;
      return;
    }
    const digits = this.format.slice(this.#at + 1, close);
    this.#at = close + 1;
    const index = /^[0-9]{1,7}$/.test(digits) ? Number(digits) - 1 : undefined;
    this.#afterIndex = index !== undefined;
    if (index !== undefined && index >= 0 && index < this.args.length) this.#argument = index;
    else this.#goodIndex = false;
  }

  /** The int a "*" asks for; undefined when the operand is no usable integer. */
  #starNumber(): number | undefined {
    this.#at++;
    this.#afterIndex = false;
    const arg = this.args[this.#argument];
    if (arg === undefined) return undefined;
    this.#argument++;
    const value = unboxed(arg);
    if (value.kind !== "int" && value.kind !== "uint") return undefined;
    const number = Number(value.value);
    return Math.abs(number) > MAX_NUMBER ? undefined : number;
  }

  #readWidth(): void {
    const { flags } = this.#printer;
    if (this.#char() !== "*") {
      flags.width = this.#readNumber();
      if (this.#afterIndex && flags.width !== undefined) this.#goodIndex = false;
      return;
    }
    flags.width = this.#starNumber();
    if (flags.width === undefined) this.#printer.write("%!(BADWIDTH)");
    else if (flags.width < 0) {
      flags.width = -flags.width;
      flags.minus = true;
      flags.zero = false;
    }
  }

  #readPrecision(): void {
    const { flags } = this.#printer;
    if (this.#char() !== "." || this.#at + 1 >= this.format.length) return;
    this.#at++;
    if (this.#afterIndex) this.#goodIndex = false;
    this.#readIndex();
    if (this.#char() !== "*") {
      flags.precision = this.#readNumber() ?? 0;
      return;
    }
    const precision = this.#starNumber();
    if (precision === undefined || precision < 0) this.#printer.write("%!(BADPREC)");
    else flags.precision = precision;
  }

  #verb(verb: string): void {
    this.#at += verb.length;
    const printer = this.#printer;
    if (verb === "%") return printer.write("%");
    if (!this.#goodIndex) return printer.write(`%!${verb}(BADINDEX)`);
    const arg = this.args[this.#argument];
    if (arg === undefined) return printer.write(`%!${verb}(MISSING)`);
    if (verb === "v" || verb === "w") {
      const { flags } = printer;
      flags.sharpV = flags.sharp;
      flags.sharp = false;
      flags.plusV = flags.plus;
      flags.plus = false;
    }
    printer.printArgument(arg, verb);
    this.#argument++;
  }

  #reportExtra(): void {
    // With explicit indexes Go does not know which operands were used.
    if (this.#reordered || this.#argument >= this.args.length) return;
    const printer = this.#printer;
    printer.flags = noFlags();
    printer.write("%!(EXTRA ");
    for (const [index, arg] of this.args.slice(this.#argument).entries()) {
      if (index > 0) printer.write(", ");
      const value = unboxed(arg);
      if (value.kind === "invalid") printer.write("<nil>");
      else {
        printer.write(`${typeName(value)}=`);
        printer.printArgument(value, "v");
      }
    }
    printer.write(")");
  }
}

export function sprintf(format: string, args: readonly Value[], budget: Budget): string {
  return new Sprintf(format, args, budget).run();
}
