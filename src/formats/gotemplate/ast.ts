// The parse tree of a Go template, and its printed form, which Go quotes in execution errors.
// Nodes are immutable: a changed tree is a new tree.

import { quote } from "./go-text.ts";
import type { NumberConstant } from "./number.ts";

interface Positioned {
  /** Index into the source in UTF-16 units. */
  readonly pos: number;
}

export interface TextNode extends Positioned {
  readonly kind: "text";
  readonly text: string;
}
export interface ListNode extends Positioned {
  readonly kind: "list";
  readonly nodes: readonly StatementNode[];
}
export interface ActionNode extends Positioned {
  readonly kind: "action";
  readonly pipe: PipeNode;
}
export interface BranchNode extends Positioned {
  readonly kind: "if" | "range" | "with";
  readonly pipe: PipeNode;
  readonly list: ListNode;
  readonly elseList: ListNode | undefined;
}
export interface TemplateNode extends Positioned {
  readonly kind: "template";
  readonly name: string;
  readonly pipe: PipeNode | undefined;
}
export interface JumpNode extends Positioned {
  readonly kind: "break" | "continue";
}
export interface PipeNode extends Positioned {
  readonly kind: "pipe";
  readonly isAssign: boolean;
  readonly decl: readonly VariableNode[];
  readonly cmds: readonly CommandNode[];
}
export interface CommandNode extends Positioned {
  readonly kind: "command";
  /** Never empty. */
  readonly args: readonly OperandNode[];
}
export interface FieldNode extends Positioned {
  readonly kind: "field";
  readonly ident: readonly string[];
}
export interface VariableNode extends Positioned {
  readonly kind: "variable";
  readonly ident: readonly string[];
}
export interface ChainNode extends Positioned {
  readonly kind: "chain";
  readonly node: OperandNode;
  readonly fields: readonly string[];
}
export interface IdentifierNode extends Positioned {
  readonly kind: "identifier";
  readonly name: string;
}
export interface DotNode extends Positioned {
  readonly kind: "dot";
}
export interface NilNode extends Positioned {
  readonly kind: "nil";
}
export interface BoolNode extends Positioned {
  readonly kind: "bool";
  readonly value: boolean;
}
export interface NumberNode extends Positioned {
  readonly kind: "number";
  readonly text: string;
  readonly constant: NumberConstant;
}
export interface StringNode extends Positioned {
  readonly kind: "string";
  readonly quoted: string;
  readonly text: string;
}

export type StatementNode = TextNode | ActionNode | BranchNode | TemplateNode | JumpNode;
export type OperandNode =
  | PipeNode
  | FieldNode
  | VariableNode
  | ChainNode
  | IdentifierNode
  | DotNode
  | NilNode
  | BoolNode
  | NumberNode
  | StringNode;
export type Node = StatementNode | OperandNode | ListNode | CommandNode;

export interface ParsedTemplate {
  readonly source: string;
  /** The tree named "" is the template itself; the others come from define and block. */
  readonly trees: ReadonlyMap<string, ListNode>;
}

function printPipe(pipe: PipeNode): string {
  const names = pipe.decl.map(printNode).join(", ");
  const prefix = pipe.decl.length === 0 ? "" : `${names} ${pipe.isAssign ? "=" : ":="} `;
  return prefix + pipe.cmds.map(printNode).join(" | ");
}

function printArgument(node: OperandNode): string {
  return node.kind === "pipe" ? `(${printPipe(node)})` : printNode(node);
}

function printBranch(node: BranchNode): string {
  const otherwise = node.elseList ? `{{else}}${printNode(node.elseList)}` : "";
  return `{{${node.kind} ${printPipe(node.pipe)}}}${printNode(node.list)}${otherwise}{{end}}`;
}

export function printNode(node: Node): string {
  switch (node.kind) {
    case "text":
      return node.text;
    case "list":
      return node.nodes.map(printNode).join("");
    case "action":
      return `{{${printPipe(node.pipe)}}}`;
    case "if":
    case "range":
    case "with":
      return printBranch(node);
    case "template":
      return `{{template ${quote(node.name)}${node.pipe ? ` ${printPipe(node.pipe)}` : ""}}}`;
    case "break":
    case "continue":
      return `{{${node.kind}}}`;
    case "pipe":
      return printPipe(node);
    case "command":
      return node.args.map(printArgument).join(" ");
    case "field":
      return node.ident.map((name) => `.${name}`).join("");
    case "variable":
      return node.ident.join(".");
    case "chain":
      return [printArgument(node.node), ...node.fields].join(".");
    case "identifier":
      return node.name;
    case "dot":
      return ".";
    case "nil":
      return "nil";
    case "bool":
      return String(node.value);
    case "number":
      return node.text;
    case "string":
      return node.quoted;
    default:
      return node satisfies never;
  }
}

/** Where a node stands, as Go's execution errors give it: ":line:column", the column in bytes from 0. */
export function nodeLocation(source: string, node: Node): string {
  const before = source.slice(0, node.pos);
  const newline = before.lastIndexOf("\n");
  const line = before.split("\n").length;
  return `:${line}:${Buffer.byteLength(before.slice(newline + 1))}`;
}
