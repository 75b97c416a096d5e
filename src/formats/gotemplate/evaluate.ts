// Runs a parsed template on a value, as text/template/exec.go does: errors match word for word, steps, output and
// recursion are bounded.

import { AppError } from "../../base/errors.ts";
import type { BranchNode, ListNode, Node, ParsedTemplate, PipeNode } from "./ast.ts";
import type { ExecuteOptions } from "./execution-state.ts";
import { Expressions } from "./expression.ts";
import { compareUtf8, finishedText, quote } from "./go-text.ts";
import { sprint } from "./printf.ts";
import {
  indirect,
  intValue,
  INVALID,
  isTrue,
  sliceItem,
  sliceLength,
  stringValue,
  unboxed,
  type Value,
} from "./value.ts";

type Signal = "done" | "break" | "continue";

class Execution extends Expressions {
  readonly output: string[] = [];

  #write(text: string): void {
    this.budget.output(text.length);
    this.output.push(text);
  }

  walkList(dot: Value, list: ListNode): Signal {
    this.at = list;
    return this.deeper(() => {
      for (const node of list.nodes) {
        this.budget.step();
        this.at = node;
        let signal: Signal = "done";
        switch (node.kind) {
          case "text":
            this.#write(node.text);
            break;
          case "action": {
            const value = this.pipeline(dot, node.pipe);
            if (node.pipe.decl.length === 0) this.#print(node, value);
            break;
          }
          case "break":
          case "continue":
            return node.kind;
          case "if":
          case "with":
            signal = this.#branch(dot, node);
            break;
          case "range":
            this.#range(dot, node);
            break;
          case "template":
            this.#call(dot, node.name, node.pipe);
            break;
          default:
            return node satisfies never;
        }
        if (signal !== "done") return signal;
      }
      return "done";
    });
  }

  #print(node: Node, value: Value): void {
    this.at = node;
    const shown = value.kind === "pointer" ? indirect(value).value : value;
    this.#write(shown.kind === "invalid" ? "<no value>" : sprint([shown], this.budget));
  }

  #branch(dot: Value, node: BranchNode): Signal {
    const mark = this.vars.length;
    const value = this.pipeline(dot, node.pipe);
    let signal: Signal = "done";
    if (isTrue(unboxed(value))) signal = this.walkList(node.kind === "with" ? value : dot, node.list);
    else if (node.elseList) signal = this.walkList(dot, node.elseList);
    this.vars.length = mark;
    return signal;
  }

  #range(dot: Value, node: BranchNode): void {
    const mark = this.vars.length;
    const over = indirect(this.pipeline(dot, node.pipe)).value;
    let ran = false;
    const bodyMark = this.vars.length;
    for (const [index, element] of this.#iterate(over, node)) {
      ran = true;
      this.budget.step();
      this.#bindRange(node.pipe, index, element);
      const signal = this.walkList(element, node.list);
      this.vars.length = bodyMark;
      if (signal === "break") break;
    }
    // As in Go, the else branch still sees the variables of the range clause.
    if (!ran && node.elseList) this.walkList(dot, node.elseList);
    this.vars.length = mark;
  }

  #bindRange({ decl, isAssign }: PipeNode, index: Value, element: Value): void {
    const [first, second] = decl;
    if (!first) return;
    if (isAssign) {
      this.setVariable(first.ident[0] ?? "", second ? index : element);
      if (second) this.setVariable(second.ident[0] ?? "", element);
      return;
    }
    const top = this.vars.length;
    this.#setAt(top - 1, element);
    if (second) this.#setAt(top - 2, index);
  }

  #setAt(place: number, value: Value): void {
    const variable = this.vars[place];
    if (variable) variable.value = value;
  }

  *#iterate(over: Value, node: BranchNode): Generator<[Value, Value]> {
    switch (over.kind) {
      case "int":
      case "uint":
        if (node.pipe.decl.length > 1) this.fail(`can't use ${over.value} to iterate over more than one variable`);
        for (let n = 0n; n < over.value; n++) yield [INVALID, { kind: over.kind, type: over.type, value: n }];
        return;
      case "slice":
        for (let n = 0; n < sliceLength(over); n++) yield [intValue(n), sliceItem(over, n)];
        return;
      case "map":
        this.budget.step(over.entries?.size ?? 0);
        for (const key of [...(over.entries?.keys() ?? [])].sort(compareUtf8)) {
          yield [stringValue(key), over.entries?.get(key) ?? INVALID];
        }
        return;
      case "invalid":
        return;
      default:
        this.fail(`range can't iterate over ${sprint([over], this.budget)}`);
    }
  }

  #call(dot: Value, name: string, pipe: PipeNode | undefined): void {
    const tree = this.template.trees.get(name);
    if (!tree) this.fail(`template ${quote(name)} not defined`);
    const argument = pipe ? this.pipeline(dot, pipe) : INVALID;
    const outer = { template: this.current, vars: this.vars };
    this.current = name;
    this.vars = [{ name: "$", value: argument }];
    this.walkList(argument, tree);
    this.current = outer.template;
    this.vars = outer.vars;
  }
}

/** Throws AppError "invalid" in Go's words, or when a limit is exceeded. */
export function executeTemplate(template: ParsedTemplate, root: Value, options: ExecuteOptions = {}): string {
  const tree = template.trees.get("");
  if (!tree) throw new AppError("invalid", 'template: : "" is an incomplete or empty template');
  const execution = new Execution(template, options, root);
  execution.walkList(root, tree);
  return finishedText(execution.output.join(""));
}
