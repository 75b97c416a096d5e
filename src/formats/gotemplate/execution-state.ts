// What one execution carries: the node Go would name in an error, variables, depth and budget.

import { AppError } from "../../base/errors.ts";
import { nodeLocation, printNode, type Node, type ParsedTemplate } from "./ast.ts";
import { Budget } from "./budget.ts";
import type { GoFunction } from "./functions.ts";
import { finishedText, quote } from "./go-text.ts";
import type { Value } from "./value.ts";

export interface ExecuteOptions {
  readonly functions?: ReadonlyMap<string, GoFunction>;
  /** Go's option "missingkey": what a map gives for an absent key. */
  readonly missingKey?: "invalid" | "zero";
  /** Shared by executions that make up one piece of work; each gets its own without one. */
  readonly budget?: Budget;
}

// Go allows 100000 template calls deep on growing stacks. Every level of blocks, calls and parentheses counts here.
const MAX_DEPTH = 1500;

interface Variable {
  readonly name: string;
  value: Value;
}

export class ExecutionState {
  protected at: Node | undefined;
  /** Name of the template being run. */
  protected current = "";
  protected vars: Variable[];
  #depth = 0;
  readonly budget: Budget;

  constructor(
    readonly template: ParsedTemplate,
    readonly options: ExecuteOptions,
    root: Value,
  ) {
    this.budget = options.budget ?? new Budget();
    this.vars = [{ name: "$", value: root }];
  }

  protected fail(message: string): never {
    const place = this.at
      ? `${nodeLocation(this.template.source, this.at)}: executing ${quote(this.current)} at <${printNode(this.at)}>`
      : this.current;
    throw new AppError("invalid", finishedText(`template: ${place}: ${message}`));
  }

  protected deeper<T>(run: () => T): T {
    if (this.#depth >= MAX_DEPTH) this.fail(`exceeded maximum template depth (${MAX_DEPTH})`);
    this.#depth++;
    const result = run();
    this.#depth--;
    return result;
  }

  #find(name: string): Variable {
    this.budget.step(Math.trunc(this.vars.length / 32));
    return this.vars.findLast((variable) => variable.name === name) ?? this.fail(`undefined variable: ${name}`);
  }

  /** Overwrites the innermost variable of that name. */
  protected setVariable(name: string, value: Value): void {
    this.#find(name).value = value;
  }

  protected variable(name: string): Value {
    return this.#find(name).value;
  }
}
