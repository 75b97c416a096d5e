// Pipelines, commands and operands of the template grammar, with Go's rules for declaring variables
// (text/template/parse/parse.go).

import type { CommandNode, OperandNode, PipeNode, VariableNode } from "./ast.ts";
import { printNode } from "./ast.ts";
import { quote } from "./go-text.ts";
import type { TokenKind } from "./lex.ts";
import { parseNumber } from "./number.ts";
import { TokenReader } from "./token-reader.ts";

const OPERANDS: ReadonlySet<TokenKind> = new Set<TokenKind>([
  "bool",
  "char-constant",
  "complex",
  "dot",
  "field",
  "identifier",
  "number",
  "nil",
  "raw-string",
  "string",
  "variable",
  "left-paren",
]);

/** Names in scope; a control structure drops those declared inside it. */
class Scope {
  readonly #names: string[] = [];
  readonly #counts = new Map<string, number>();

  constructor() {
    this.declare("$");
  }

  declare(name: string): void {
    this.#names.push(name);
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  has(name: string): boolean {
    return (this.#counts.get(name) ?? 0) > 0;
  }

  mark(): number {
    return this.#names.length;
  }

  drop(mark: number): void {
    for (const name of this.#names.splice(mark)) this.#counts.set(name, (this.#counts.get(name) ?? 1) - 1);
  }
}

export class PipelineParser extends TokenReader {
  protected readonly scope = new Scope();

  protected pipeline(context: string, end: TokenKind): PipeNode {
    const { pos } = this.peekNonSpace();
    const { decl, isAssign } = this.#declarations(context);
    const cmds: CommandNode[] = [];
    for (;;) {
      const token = this.nextNonSpace();
      if (token.kind === end) {
        this.#checkPipeline(cmds, context);
        return { kind: "pipe", pos, isAssign, decl, cmds };
      }
      if (!OPERANDS.has(token.kind)) this.unexpected(token, context);
      this.putBack(token);
      cmds.push(this.#command());
    }
  }

  #declarations(context: string): { decl: VariableNode[]; isAssign: boolean } {
    const decl: VariableNode[] = [];
    for (;;) {
      const variable = this.peekNonSpace();
      if (variable.kind !== "variable") return { decl, isAssign: false };
      this.next();
      const adjacent = this.peek();
      const next = this.peekNonSpace();
      const assigns = next.kind === "assign" || next.kind === "declare";
      const lists = next.kind === "char" && next.text === ",";
      if (!assigns && !lists) {
        // Peeking dropped the space that makes this variable an operand of its own.
        if (adjacent.kind === "space") this.putBack(adjacent);
        this.putBack(variable);
        return { decl, isAssign: false };
      }
      this.nextNonSpace();
      decl.push({ kind: "variable", pos: variable.pos, ident: variable.text.split(".") });
      this.scope.declare(variable.text);
      if (assigns) return { decl, isAssign: next.kind === "assign" };
      if (context !== "range" || decl.length >= 2) this.fail(`too many declarations in ${context}`);
      if (!["variable", "right-delim", "right-paren"].includes(this.peekNonSpace().kind)) {
        this.fail("range can only initialize variables");
      }
    }
  }

  #checkPipeline(cmds: readonly CommandNode[], context: string): void {
    if (cmds.length === 0) this.fail(`missing value for ${context}`);
    for (const [index, command] of cmds.slice(1).entries()) {
      const kind = command.args[0]?.kind;
      if (kind === "bool" || kind === "dot" || kind === "nil" || kind === "number" || kind === "string") {
        this.fail(`non executable command in pipeline stage ${index + 2}`);
      }
    }
  }

  #command(): CommandNode {
    const { pos } = this.peekNonSpace();
    const args: OperandNode[] = [];
    for (;;) {
      this.peekNonSpace();
      const operand = this.#operand();
      if (operand) args.push(operand);
      const token = this.next();
      if (token.kind === "space") continue;
      if (token.kind === "right-delim" || token.kind === "right-paren") this.putBack(token);
      else if (token.kind !== "pipe") this.unexpected(token, "operand");
      break;
    }
    if (args.length === 0) this.fail("empty command");
    return { kind: "command", pos, args };
  }

  #operand(): OperandNode | undefined {
    const node = this.#term();
    const first = this.peek();
    if (!node || first.kind !== "field") return node;
    const fields: string[] = [];
    while (this.peek().kind === "field") fields.push(this.next().text.slice(1));
    switch (node.kind) {
      case "field":
        return { kind: "field", pos: first.pos, ident: [...node.ident, ...fields] };
      case "variable":
        return { kind: "variable", pos: first.pos, ident: [...node.ident, ...fields] };
      case "bool":
      case "string":
      case "number":
      case "nil":
      case "dot":
        return this.fail(`unexpected . after term ${quote(printNode(node))}`);
      default:
        return { kind: "chain", pos: first.pos, node, fields };
    }
  }

  #term(): OperandNode | undefined {
    const token = this.nextNonSpace();
    const { pos, text } = token;
    switch (token.kind) {
      case "identifier":
        if (!this.shared.isFunction(text)) this.fail(`function ${quote(text)} not defined`);
        return { kind: "identifier", pos, name: text };
      case "dot":
      case "nil":
        return { kind: token.kind, pos };
      case "variable":
        if (!this.scope.has(text)) this.fail(`undefined variable ${quote(text)}`);
        return { kind: "variable", pos, ident: [text] };
      case "field":
        return { kind: "field", pos, ident: text.slice(1).split(".") };
      case "bool":
        return { kind: "bool", pos, value: text === "true" };
      case "char-constant":
      case "complex":
      case "number": {
        const constant = parseNumber(text, token.kind);
        if (typeof constant === "string") this.fail(constant);
        return { kind: "number", pos, text, constant };
      }
      case "left-paren":
        return this.nested(() => this.pipeline("parenthesized pipeline", "right-paren"));
      case "string":
      case "raw-string":
        return { kind: "string", pos, quoted: text, text: this.unquote(token) };
      default:
        this.putBack(token);
        return undefined;
    }
  }
}
