// The tree of a GBNF rule body, and the small constructors that build such trees in a flat, simplified form.
// A choice without options matches nothing ("never"); an empty sequence matches the empty text.

import type { CharSet } from "./char-set.ts";

export type Node =
  | { readonly is: "literal"; readonly text: string }
  | { readonly is: "class"; readonly set: CharSet; readonly negated: boolean }
  | { readonly is: "any" }
  /** A token of the model's vocabulary, by id or by its text. */
  | { readonly is: "token"; readonly negated: boolean; readonly id: number | string }
  | { readonly is: "rule"; readonly name: string }
  | { readonly is: "sequence"; readonly items: readonly Node[] }
  | { readonly is: "choice"; readonly options: readonly Node[] }
  | { readonly is: "repeat"; readonly item: Node; readonly min: number; readonly max: number | undefined };

export const NEVER: Node = { is: "choice", options: [] };
export const EMPTY: Node = { is: "sequence", items: [] };

export function isNever(node: Node): boolean {
  return node.is === "choice" && node.options.length === 0;
}

export function isEmpty(node: Node): boolean {
  return (node.is === "sequence" && node.items.length === 0) || (node.is === "literal" && node.text === "");
}

export function literal(text: string): Node {
  return { is: "literal", text };
}

export function rule(name: string): Node {
  return { is: "rule", name };
}

export function chars(set: CharSet): Node {
  return { is: "class", set, negated: false };
}

export function sequence(...parts: readonly Node[]): Node {
  const items: Node[] = [];
  for (const part of parts) {
    if (isNever(part)) return NEVER;
    for (const item of part.is === "sequence" ? part.items : [part]) {
      const last = items[items.length - 1];
      if (isEmpty(item)) continue;
      if (item.is === "literal" && last?.is === "literal") items[items.length - 1] = literal(last.text + item.text);
      else items.push(item);
    }
  }
  return items.length === 1 && items[0] !== undefined ? items[0] : { is: "sequence", items };
}

export function choice(...parts: readonly Node[]): Node {
  const seen = new Map<string, Node>();
  for (const part of parts) {
    for (const option of part.is === "choice" ? part.options : [part]) seen.set(JSON.stringify(option), option);
  }
  const options = [...seen.values()];
  return options.length === 1 && options[0] !== undefined ? options[0] : { is: "choice", options };
}

export function optional(item: Node): Node {
  return repeat(item, 0, 1);
}

export function repeat(item: Node, min: number, max: number | undefined): Node {
  if (max === 0 || isEmpty(item)) return EMPTY;
  if (isNever(item)) return min === 0 ? EMPTY : NEVER;
  if (min === 1 && max === 1) return item;
  return { is: "repeat", item, min, max };
}
