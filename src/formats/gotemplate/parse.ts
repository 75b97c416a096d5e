// Template source → trees, one per template name, with Go's grammar and wording of errors (text/template/parse/parse.go).

import { AppError } from "../../base/errors.ts";
import type { BranchNode, ListNode, ParsedTemplate, StatementNode } from "./ast.ts";
import { quote } from "./go-text.ts";
import { lex, type Token } from "./lex.ts";
import { PipelineParser } from "./parse-pipeline.ts";
import type { Shared } from "./token-reader.ts";

type EndKind = "end" | "else";
interface Ending {
  readonly kind: EndKind;
  readonly pos: number;
}

function isEmptyTree(list: ListNode): boolean {
  return list.nodes.every((node) => node.kind === "text" && node.text.trim() === "");
}

function isEnding(node: StatementNode | Ending): node is Ending {
  return node.kind === "end" || node.kind === "else";
}

/** Parses one named tree; a define or block inside gets its own instance on the same tokens, as in Go. */
class TreeParser extends PipelineParser {
  #rangeDepth = 0;

  constructor(
    shared: Shared,
    public name: string,
  ) {
    super(shared);
  }

  parseMain(): void {
    const pos = this.peek().pos;
    const nodes: StatementNode[] = [];
    while (this.peek().kind !== "eof") {
      if (this.peek().kind === "left-delim") {
        const delim = this.next();
        const after = this.nextNonSpace();
        if (after.kind === "define") {
          new TreeParser(this.shared, "definition").#parseDefinition();
          continue;
        }
        this.putBack(delim, after);
      }
      const node = this.#textOrAction();
      if (isEnding(node)) this.fail(`unexpected {{${node.kind}}}`);
      nodes.push(node);
    }
    this.#add({ kind: "list", pos, nodes });
  }

  #add(list: ListNode): void {
    const existing = this.shared.trees.get(this.name);
    if (!existing || isEmptyTree(existing)) this.shared.trees.set(this.name, list);
    // The doubled "template: " is Go's own.
    else if (!isEmptyTree(list)) this.fail(`template: multiple definition of template ${quote(this.name)}`);
  }

  #parseDefinition(): void {
    const name = this.expect(["string", "raw-string"], "define clause");
    this.name = this.unquote(name);
    this.expect(["right-delim"], "define clause");
    this.#parseBody("define clause", (message) => this.fail(message));
  }

  #parseBody(context: string, fail: (message: string) => never): void {
    const { list, end } = this.#itemList();
    if (end.kind !== "end") fail(`unexpected {{${end.kind}}} in ${context}`);
    this.#add(list);
  }

  #itemList(): { list: ListNode; end: Ending } {
    const pos = this.peekNonSpace().pos;
    const nodes: StatementNode[] = [];
    while (this.peekNonSpace().kind !== "eof") {
      const node = this.#textOrAction();
      if (isEnding(node)) return { list: { kind: "list", pos, nodes }, end: node };
      nodes.push(node);
    }
    return this.fail("unexpected EOF");
  }

  #textOrAction(): StatementNode | Ending {
    const token = this.nextNonSpace();
    if (token.kind === "text") return { kind: "text", pos: token.pos, text: token.text };
    if (token.kind !== "left-delim") this.unexpected(token, "input");
    return this.inAction(token.line, () => this.#action());
  }

  #action(): StatementNode | Ending {
    const token = this.nextNonSpace();
    switch (token.kind) {
      case "block":
        return this.#blockControl();
      case "break":
      case "continue":
        return this.#jump(token.kind, token.pos);
      case "else":
        return this.#elseControl();
      case "end":
        return { kind: "end", pos: this.expect(["right-delim"], "end").pos };
      case "if":
      case "range":
      case "with":
        return this.#control(token.kind);
      case "template":
        return this.#templateControl();
      default:
        this.putBack(token);
        return { kind: "action", pos: token.pos, pipe: this.pipeline("command", "right-delim") };
    }
  }

  #jump(kind: "break" | "continue", pos: number): StatementNode {
    const token = this.nextNonSpace();
    if (token.kind !== "right-delim") this.unexpected(token, `{{${kind}}}`);
    if (this.#rangeDepth === 0) this.fail(`{{${kind}}} outside {{range}}`);
    return { kind, pos };
  }

  #control(kind: BranchNode["kind"]): BranchNode {
    const mark = this.scope.mark();
    const pipe = this.pipeline(kind, "right-delim");
    if (kind === "range") this.#rangeDepth++;
    const { list, end } = this.#itemList();
    if (kind === "range") this.#rangeDepth--;
    const elseList = end.kind === "else" ? this.#elseList(kind, end) : undefined;
    this.scope.drop(mark);
    return { kind, pos: pipe.pos, pipe, list, elseList };
  }

  #elseList(kind: BranchNode["kind"], end: Ending): ListNode {
    // "{{else if" and "{{else with" leave their keyword pending and share the outer {{end}}.
    if ((kind === "if" || kind === "with") && this.peek().kind === kind) {
      this.next();
      return { kind: "list", pos: end.pos, nodes: [this.nested(() => this.#control(kind))] };
    }
    const otherwise = this.#itemList();
    if (otherwise.end.kind !== "end") this.fail(`expected end; found {{${otherwise.end.kind}}}`);
    return otherwise.list;
  }

  #elseControl(): Ending {
    const next = this.peekNonSpace();
    if (next.kind === "if" || next.kind === "with") return { kind: "else", pos: next.pos };
    return { kind: "else", pos: this.expect(["right-delim"], "else").pos };
  }

  #blockControl(): StatementNode {
    const context = "block clause";
    const token = this.nextNonSpace();
    const name = this.#templateName(token, context);
    const pipe = this.pipeline(context, "right-delim");
    const block = new TreeParser(this.shared, name);
    block.#parseBody(context, (message) => this.fail(message));
    return { kind: "template", pos: token.pos, name, pipe };
  }

  #templateControl(): StatementNode {
    const context = "template clause";
    const token = this.nextNonSpace();
    const name = this.#templateName(token, context);
    const after = this.nextNonSpace();
    if (after.kind === "right-delim") return { kind: "template", pos: token.pos, name, pipe: undefined };
    this.putBack(after);
    return { kind: "template", pos: token.pos, name, pipe: this.pipeline(context, "right-delim") };
  }

  #templateName(token: Token, context: string): string {
    if (token.kind !== "string" && token.kind !== "raw-string") this.unexpected(token, context);
    return this.unquote(token);
  }
}

// Real templates stay below 20 KiB; tokens take a hundred times the room of their text.
const MAX_SOURCE_CHARS = 1024 * 1024;

/** Throws AppError "invalid" in Go's words, e.g. "template: :1: missing value for if". */
export function parseTemplate(source: string, isFunction: (name: string) => boolean): ParsedTemplate {
  if (source.length > MAX_SOURCE_CHARS) throw new AppError("invalid", "template: source is too large");
  const shared: Shared = { tokens: lex(source), nextToken: 0, nesting: 0, trees: new Map(), isFunction };
  new TreeParser(shared, "").parseMain();
  return { source, trees: shared.trees };
}
