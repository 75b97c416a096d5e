// A list of texts as grammar rules that share beginnings: one rule per place where texts part. However many texts there
// are, the matcher follows only those that begin as what was read.

import { type Node, choice, literal, rule, sequence } from "./gbnf-ast.ts";
import type { GrammarBuilder } from "./grammar-builder.ts";

interface TrieNode {
  ends: boolean;
  readonly next: Map<string, TrieNode>;
}

export function textTrie(builder: GrammarBuilder, hint: string, texts: readonly string[]): Node {
  const root: TrieNode = { ends: false, next: new Map() };
  for (const text of texts) {
    let node = root;
    for (const char of text) {
      let next = node.next.get(char);
      if (next === undefined) {
        next = { ends: false, next: new Map() };
        node.next.set(char, next);
      }
      node = next;
    }
    node.ends = true;
  }
  const waiting: { node: TrieNode; name: string }[] = [];
  // Runs without a choice are one literal; where there is a choice a rule waits to be written.
  const branch = (char: string, first: TrieNode): Node => {
    let text = char;
    let node = first;
    for (let only = single(node); only !== undefined; only = single(node)) {
      text += only[0];
      node = only[1];
    }
    if (node.next.size === 0) return literal(text);
    const name = builder.reserve(hint);
    waiting.push({ node, name });
    return sequence(literal(text), rule(name));
  };
  const body = (node: TrieNode): Node =>
    choice(...Array.from(node.next, ([char, next]) => branch(char, next)), ...(node.ends ? [literal("")] : []));
  const start = body(root);
  for (let task = waiting.pop(); task !== undefined; task = waiting.pop()) builder.define(task.name, body(task.node));
  return start;
}

function single(node: TrieNode): [string, TrieNode] | undefined {
  return node.ends || node.next.size !== 1 ? undefined : [...node.next][0];
}
