// ECMA-262 pattern → tree, for the part of the language that is regular. Look-aheads are read at the very start only
// (the password idiom); look-behinds, back-references and word boundaries are errors that name themselves.

import { AppError } from "../../base/errors.ts";
import { ALL_CHARS, type CharSet, subtractChars, unionChars } from "./char-set.ts";
import type { Effort } from "./effort.ts";
import type { Pattern, Regex } from "./regex-ast.ts";
import { ANY_BUT_LINE_ENDS, CLASS_ESCAPES, unicodeProperty } from "./regex-classes.ts";

const MAX_PATTERN_CHARS = 10_000;
const MAX_GROUP_DEPTH = 100;

export function parsePattern(source: string, effort: Effort): Pattern {
  if (source.length > MAX_PATTERN_CHARS)
    throw new AppError("invalid", `is longer than ${MAX_PATTERN_CHARS} characters`);
  return new PatternParser(source, effort).parse();
}

const CONTROL_ESCAPES: Record<string, number> = { t: 9, n: 10, v: 11, f: 12, r: 13 };

class PatternParser {
  private at = 0;
  private readonly lookaheads: { body: Regex; negative: boolean }[] = [];

  constructor(
    private readonly source: string,
    private readonly effort: Effort,
  ) {}

  parse(): Pattern {
    let anchored = false;
    if (/^\^?\(\?[=!]/.test(this.source)) {
      anchored = this.take("^");
      while (this.looking("(?=") || this.looking("(?!")) this.leadingLookahead(anchored);
    }
    const body = anchored ? this.sequence(0) : this.alternatives(0);
    if (anchored && this.looking("|")) this.fail("has look-aheads before alternatives without a group");
    if (this.at < this.source.length) this.fail(`has an unmatched "${this.source[this.at]}"`);
    return { body: anchored ? { is: "sequence", items: [{ is: "start" }, body] } : body, lookaheads: this.lookaheads };
  }

  private leadingLookahead(anchored: boolean): void {
    if (!anchored) this.fail(`has a look-ahead that does not follow "^" at its start`);
    const negative = this.source[this.at + 2] === "!";
    this.at += 3;
    const body = this.alternatives(1);
    this.expect(")");
    this.lookaheads.push({ body: { is: "sequence", items: [{ is: "start" }, body] }, negative });
  }

  private alternatives(depth: number): Regex {
    if (depth > MAX_GROUP_DEPTH) this.fail(`nests groups more than ${MAX_GROUP_DEPTH} deep`);
    const options = [this.sequence(depth)];
    while (this.take("|")) options.push(this.sequence(depth));
    return options.length === 1 && options[0] !== undefined ? options[0] : { is: "choice", options };
  }

  private sequence(depth: number): Regex {
    const items: Regex[] = [];
    while (this.at < this.source.length && !this.looking("|") && !this.looking(")")) {
      const isAnchor = this.looking("^") || this.looking("$");
      items.push(this.quantified(this.atom(depth), isAnchor));
    }
    return items.length === 1 && items[0] !== undefined ? items[0] : { is: "sequence", items };
  }

  private quantified(item: Regex, isAnchor: boolean): Regex {
    const bounds = this.quantifier();
    if (bounds === undefined) return item;
    if (isAnchor) this.fail("repeats an anchor");
    this.take("?");
    if (this.quantifier() !== undefined) this.fail("has two quantifiers in a row");
    return { is: "repeat", item, min: bounds[0], max: bounds[1] };
  }

  private quantifier(): [number, number | undefined] | undefined {
    if (this.take("*")) return [0, undefined];
    if (this.take("+")) return [1, undefined];
    if (this.take("?")) return [0, 1];
    const found = /\{(\d{1,20})(,?)(\d{0,20})\}/y;
    found.lastIndex = this.at;
    const match = found.exec(this.source);
    if (match === null) return undefined;
    this.at += match[0].length;
    const min = Number(match[1]);
    const max = match[3] !== "" ? Number(match[3]) : match[2] === "" ? min : undefined;
    if (match[2] === "" && match[3] !== "") this.fail("has a malformed quantifier");
    if (max !== undefined && max < min) this.fail("has a quantifier with its maximum below its minimum");
    return [min, max];
  }

  private atom(depth: number): Regex {
    const char = this.source[this.at];
    if (char === "(") return this.group(depth);
    if (char === "[") return { is: "chars", set: this.charClass() };
    if (char === "\\") {
      if (/^\\[bB]/.test(this.source.slice(this.at, this.at + 2)))
        this.fail("uses a word boundary (\\b), which is not supported");
      if (/^\\[1-9k]/.test(this.source.slice(this.at, this.at + 2)))
        this.fail("uses a back-reference, which is not supported");
      return { is: "chars", set: this.escape() };
    }
    if (char === "*" || char === "+" || char === "?") this.fail(`has a "${char}" with nothing before it`);
    if (this.take("^")) return { is: "start" };
    if (this.take("$")) return { is: "end" };
    if (this.take(".")) return { is: "chars", set: ANY_BUT_LINE_ENDS };
    const code = this.code();
    return { is: "chars", set: [code, code] };
  }

  private group(depth: number): Regex {
    if (this.looking("(?=") || this.looking("(?!")) this.fail("has a look-ahead that is not at its start");
    if (this.looking("(?<=") || this.looking("(?<!")) this.fail("uses a look-behind, which is not supported");
    const opening = /\((?:\?:|\?<[A-Za-z_$][\w$]*>)?/y;
    opening.lastIndex = this.at;
    this.at += opening.exec(this.source)?.[0].length ?? 1;
    if (this.looking("?")) this.fail("uses an unknown kind of group");
    const body = this.alternatives(depth + 1);
    this.expect(")");
    return body;
  }

  private charClass(): CharSet {
    this.at += 1;
    const negated = this.take("^");
    const sets: CharSet[] = [];
    while (!this.looking("]")) {
      if (this.at >= this.source.length) this.fail("has a character class without an end");
      const low = this.classItem();
      const isRange = this.looking("-") && this.source[this.at + 1] !== "]" && this.at + 1 < this.source.length;
      if (!isRange) {
        sets.push(low);
        continue;
      }
      this.at += 1;
      const high = this.classItem();
      const [from, to] = [low[0] ?? 0, high[1] ?? 0];
      if (low.length !== 2 || low[1] !== from || high.length !== 2 || high[0] !== to)
        this.fail("has a range between classes");
      if (to < from) this.fail("has a character range with its end before its start");
      sets.push([from, to]);
    }
    this.at += 1;
    const set = unionChars(sets);
    return subtractChars(ALL_CHARS, negated ? set : subtractChars(ALL_CHARS, set));
  }

  private classItem(): CharSet {
    if (this.looking("\\b")) {
      this.at += 2;
      return [8, 8];
    }
    if (this.looking("\\")) return this.escape();
    const code = this.code();
    return [code, code];
  }

  private escape(): CharSet {
    this.at += 1;
    const char = this.source[this.at] ?? "";
    const named = CLASS_ESCAPES[char];
    if (named !== undefined) {
      this.at += 1;
      return named;
    }
    if (char === "p" || char === "P") return this.property(char === "P");
    const code = CONTROL_ESCAPES[char] ?? this.numericEscape(char);
    if (code !== undefined) {
      if (CONTROL_ESCAPES[char] !== undefined) this.at += 1;
      return [code, code];
    }
    if (char === "" || /[A-Za-z0-9]/.test(char)) this.fail(`has an unknown escape "\\${char}"`);
    const plain = this.code();
    return [plain, plain];
  }

  private property(negated: boolean): CharSet {
    const name = /^\{([^}]*)\}/.exec(this.source.slice(this.at + 1, this.at + 100));
    const set = name === null ? undefined : unicodeProperty(name[1] ?? "", this.effort);
    if (name === null || set === undefined) this.fail("uses an unknown Unicode property");
    this.at += 1 + name[0].length;
    return negated ? subtractChars(ALL_CHARS, set) : set;
  }

  private numericEscape(kind: string): number | undefined {
    const rest = this.source.slice(this.at, this.at + 20);
    const pair = /^u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})/i.exec(rest);
    const found =
      pair ??
      /^u([0-9a-f]{4})/i.exec(rest) ??
      /^u\{([0-9a-f]{1,6})\}/i.exec(rest) ??
      /^x([0-9a-f]{2})/i.exec(rest) ??
      /^c([a-z])/i.exec(rest) ??
      /^0(?![0-9])/.exec(rest);
    if (found === null) return undefined;
    this.at += found[0].length;
    if (kind === "0") return 0;
    if (kind === "c") return (found[1]?.charCodeAt(0) ?? 0) & 31;
    const value = parseInt(found[1] ?? "", 16);
    if (value > 0x10ffff) this.fail("has an escape that is not a Unicode code point");
    return pair === null ? value : 0x10000 + ((value & 0x3ff) << 10) + (parseInt(pair[2] ?? "", 16) & 0x3ff);
  }

  private code(): number {
    const code = this.source.codePointAt(this.at) ?? 0;
    this.at += code > 0xffff ? 2 : 1;
    return code;
  }

  private looking(text: string): boolean {
    return this.source.startsWith(text, this.at);
  }

  private take(text: string): boolean {
    const found = this.looking(text);
    if (found) this.at += text.length;
    return found;
  }

  private expect(text: string): void {
    if (!this.take(text)) this.fail(`has no "${text}" for a group`);
  }

  private fail(reason: string): never {
    throw new AppError("invalid", reason);
  }
}
