// Rule bodies → GBNF text that llama.cpp and parseGbnf read back as the same rules. Everything outside printable ASCII is
// written as an escape, so the text survives any transport.

import { type CharSet, rangesOf } from "./char-set.ts";
import { type Node, isEmpty } from "./gbnf-ast.ts";

export function printGbnf(rules: Iterable<readonly [string, Node]>): string {
  let text = "";
  for (const [name, body] of rules) text += `${name} ::= ${printNode(body, "choice")}\n`;
  return text;
}

/** How tightly the place binds in which a node is printed; looser nodes get parentheses there. */
type Place = "choice" | "sequence" | "item";

function printNode(node: Node, place: Place): string {
  switch (node.is) {
    case "literal":
      return printLiteral(node.text);
    case "class":
      return printClass(node.set, node.negated);
    case "any":
      return ".";
    case "token":
      return `${node.negated ? "!" : ""}${typeof node.id === "number" ? `<[${node.id}]>` : node.id}`;
    case "rule":
      return node.name;
    case "sequence":
      if (node.items.length === 0) return '""';
      return group(node.items.map((item) => printNode(item, "sequence")).join(" "), place === "item");
    case "choice":
      return group(node.options.map((option) => printNode(option, "choice")).join(" | "), place !== "choice");
    case "repeat":
      return isEmpty(node.item) ? '""' : printNode(node.item, "item") + printBounds(node.min, node.max);
    default:
      return node satisfies never;
  }
}

function group(text: string, needed: boolean): string {
  return needed ? `(${text})` : text;
}

function printBounds(min: number, max: number | undefined): string {
  if (max === undefined) return min === 0 ? "*" : min === 1 ? "+" : `{${min},}`;
  if (min === 0 && max === 1) return "?";
  return min === max ? `{${min}}` : `{${min},${max}}`;
}

export function printLiteral(text: string): string {
  return `"${Array.from(text, (char) => escape(char.codePointAt(0) ?? 0, '"\\')).join("")}"`;
}

function printClass(set: CharSet, negated: boolean): string {
  const one = (code: number): string => escape(code, "[]-\\^");
  const parts = rangesOf(set).map(([low, high]) => {
    if (low === high) return one(low);
    return high === low + 1 ? one(low) + one(high) : `${one(low)}-${one(high)}`;
  });
  return `[${negated ? "^" : ""}${parts.join("")}]`;
}

const NAMED: Record<number, string> = { 9: "\\t", 10: "\\n", 13: "\\r" };

function escape(code: number, special: string): string {
  const named = NAMED[code];
  if (named !== undefined) return named;
  if (code >= 0x20 && code < 0x7f) {
    const char = String.fromCharCode(code);
    // "^" cannot be escaped by a backslash in this dialect, only spelt as a number.
    if (char === "^" && special.includes(char)) return "\\x5E";
    return special.includes(char) ? `\\${char}` : char;
  }
  const hex = code.toString(16).toUpperCase();
  if (code <= 0xff) return `\\x${hex.padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}
