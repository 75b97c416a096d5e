// fmt's operand printing: one value under one verb and its flags (fmt/print.go).
// Addresses cannot be reproduced; every pointer prints as the same made-up one.

import type { Budget } from "./budget.ts";
import { noFlags, pad, truncate, type Flags } from "./flags.ts";
import { addressText, complexText, floatText, hexText, integerText } from "./format-number.ts";
import { compareUtf8, quote, utf8Bytes, utf8Text } from "./go-text.ts";
import {
  INVALID,
  isNil,
  sliceBytes,
  sliceItem,
  sliceLength,
  stringValue,
  typeName,
  unboxed,
  type Value,
} from "./value.ts";

const ADDRESS = 0xc000012000n;

export class Printer {
  flags: Flags = noFlags();
  #parts: string[] = [];
  #length = 0;
  /** While a bad verb is being reported methods are not called, as in fmt. */
  #erroring = false;

  constructor(readonly budget: Budget) {}

  write(text: string): void {
    this.#length += text.length;
    this.budget.checkLength(this.#length);
    this.#parts.push(text);
  }

  text(): string {
    return this.#parts.join("");
  }

  /** Writes a text, or reports the verb where there is none for it. */
  #writeOr(text: string | undefined, verb: string, value: Value): void {
    if (text === undefined) this.badVerb(verb, value);
    else this.write(text);
  }

  badVerb(verb: string, value: Value): void {
    this.#erroring = true;
    this.write(`%!${verb}(`);
    if (value.kind === "invalid") this.write("<nil>");
    else {
      this.write(`${typeName(value)}=`);
      this.printValue(value, "v", 0);
    }
    this.write(")");
    this.#erroring = false;
  }

  /** The operand of a verb. An interface passed as an argument shows what it holds. */
  printArgument(argument: Value, verb: string): void {
    const value = unboxed(argument);
    if (value.kind === "invalid")
      this.#writeOr(verb === "T" || verb === "v" ? pad("<nil>", this.flags) : undefined, verb, value);
    else if (verb === "T") this.write(pad(truncate(value.type.name, this.flags), this.flags));
    else if (verb === "p") this.#pointer(value, verb);
    // A plain []byte is printed without a look at methods, which shows under %w.
    else if (value.type.name === "[]uint8" || !this.#method(value, verb)) this.printValue(value, verb, 0);
  }

  /** Prints through the value's String method, where it has one and the verb takes text. */
  #method(value: Value, verb: string): boolean {
    if (this.#erroring || value.kind === "invalid") return false;
    if (verb === "w") {
      this.badVerb(verb, value);
      return true;
    }
    if (this.flags.sharpV || !value.type.string || !"vsxXq".includes(verb)) return false;
    this.#string(value.type.string(value), verb, value);
    return true;
  }

  printValue(value: Value, verb: string, depth: number): void {
    this.budget.step();
    if (depth > 0 && this.#method(value, verb)) return;
    switch (value.kind) {
      case "invalid":
        return this.#writeOr(verb === "v" ? "<nil>" : undefined, verb, value);
      case "bool":
        return this.#writeOr(
          verb === "t" || verb === "v" ? pad(String(value.value), this.flags) : undefined,
          verb,
          value,
        );
      case "int":
      case "uint":
        return this.#writeOr(integerText(value.value, verb, this.flags, value.kind === "uint"), verb, value);
      case "float":
        return this.#writeOr(floatText(value.value, verb, this.flags), verb, value);
      case "complex":
        return this.#writeOr(complexText(value.re, value.im, verb, this.flags), verb, value);
      case "string":
        return this.#string(value.value, verb, value);
      case "slice":
        return this.#slice(value, verb, depth);
      case "map":
        return this.#map(value, verb, depth);
      case "struct":
        return this.#struct(value, verb, depth);
      case "pointer":
        // Only an outermost pointer is followed, so that cycles end.
        if (depth > 0 || value.target === null || !["slice", "struct", "map"].includes(value.target.kind))
          return this.#pointer(value, verb);
        this.write("&");
        return this.printValue(value.target, verb, depth + 1);
      case "interface":
        if (value.inner !== null) return this.printValue(value.inner, verb, depth + 1);
        return this.write(this.flags.sharpV ? `${value.type.name}(nil)` : "<nil>");
      default:
        return value satisfies never;
    }
  }

  #string(text: string, verb: string, operand: Value): void {
    const { flags } = this;
    if (verb === "x" || verb === "X") this.write(hexText(utf8Bytes(text), verb, flags));
    else if (verb === "q" || (verb === "v" && flags.sharpV)) this.#quoted(truncate(text, flags));
    else this.#writeOr(verb === "v" || verb === "s" ? pad(truncate(text, flags), flags) : undefined, verb, operand);
  }

  #quoted(text: string): void {
    // strconv.CanBackquote: no control characters but tab, no backquote, no BOM, only valid UTF-8.
    const canBackquote = !/[\u0000-\u0008\u000a-\u001f\u007f`\ufeff\p{Cs}]/u.test(text);
    this.write(pad(this.flags.sharp && canBackquote ? `\`${text}\`` : quote(text, this.flags.plus), this.flags));
  }

  /** Elements between brackets; %#v spells the type and uses braces and commas. */
  #elements(
    value: Value,
    type: string,
    open: string,
    close: string,
    count: number,
    print: (index: number) => void,
  ): void {
    const { sharpV } = this.flags;
    if (sharpV) this.write(type);
    if (sharpV && isNil(value)) return this.write("(nil)");
    this.write(sharpV ? "{" : open);
    for (let index = 0; index < count; index++) {
      if (index > 0) this.write(sharpV ? ", " : " ");
      print(index);
    }
    this.write(sharpV ? "}" : close);
  }

  #slice(value: Value & { kind: "slice" }, verb: string, depth: number): void {
    const bytes = sliceBytes(value);
    if (bytes && "sqxX".includes(verb)) {
      if (verb === "s" || verb === "q") return this.#string(utf8Text(bytes), verb, value);
      return this.write(hexText(bytes, verb, this.flags));
    }
    // A plain []byte keeps its source spelling under %#v; named byte slices and nested ones do not.
    const type = depth === 0 && verb === "v" && value.type.name === "[]uint8" ? "[]byte" : value.type.name;
    this.#elements(value, type, "[", "]", sliceLength(value), (index) =>
      this.printValue(sliceItem(value, index), verb, depth + 1),
    );
  }

  #map(value: Value & { kind: "map" }, verb: string, depth: number): void {
    const keys = [...(value.entries?.keys() ?? [])].sort(compareUtf8);
    this.#elements(value, value.type.name, "map[", "]", keys.length, (index) => {
      const key = keys[index] ?? "";
      this.printValue(stringValue(key), verb, depth + 1);
      this.write(":");
      this.printValue(value.entries?.get(key) ?? INVALID, verb, depth + 1);
    });
  }

  #struct(value: Value & { kind: "struct" }, verb: string, depth: number): void {
    const fields = value.type.fields ?? [];
    this.#elements(value, value.type.name, "{", "}", fields.length, (index) => {
      if (this.flags.plusV || this.flags.sharpV) this.write(`${fields[index]?.name}:`);
      const content = value.fields[index] ?? INVALID;
      // Fields of interface type are printed as what they hold, if anything.
      this.printValue(
        content.kind === "interface" && content.inner !== null ? content.inner : content,
        verb,
        depth + 1,
      );
    });
  }

  #pointer(value: Value, verb: string): void {
    if (value.kind !== "slice" && value.kind !== "map" && value.kind !== "pointer") return this.badVerb(verb, value);
    const empty = isNil(value);
    const address = empty ? 0n : ADDRESS;
    if (verb === "v" && this.flags.sharpV)
      return this.write(`(${value.type.name})(${empty ? "nil" : `0x${address.toString(16)}`})`);
    if (verb === "v" && empty) return this.write(pad("<nil>", this.flags));
    if (verb === "v" || verb === "p") return this.write(addressText(address, this.flags));
    this.#writeOr("bodxX".includes(verb) ? integerText(address, verb, this.flags, true) : undefined, verb, value);
  }
}
