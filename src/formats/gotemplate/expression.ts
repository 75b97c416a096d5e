// Pipelines and what they are made of: constants, variables, field paths, methods and function calls
// (text/template/exec.go).

import {
  printNode,
  type ChainNode,
  type CommandNode,
  type IdentifierNode,
  type Node,
  type NumberNode,
  type OperandNode,
  type PipeNode,
} from "./ast.ts";
import { ExecutionState } from "./execution-state.ts";
import { BUILTINS, type GoFunction, type Parameter } from "./functions.ts";
import { quote } from "./go-text.ts";
import {
  ANY,
  boolValue,
  COMPLEX128,
  FLOAT64,
  indirect,
  intValue,
  INVALID,
  isTrue,
  stringValue,
  typeName,
  unboxed,
  zeroElement,
  type Value,
} from "./value.ts";

/** What an earlier pipeline stage hands on; undefined when there was none, as opposed to an invalid value. */
type Final = Value | undefined;

export class Expressions extends ExecutionState {
  protected pipeline(dot: Value, pipe: PipeNode): Value {
    this.at = pipe;
    return this.deeper(() => {
      let value: Final;
      for (const command of pipe.cmds) value = unboxed(this.#command(dot, command, value));
      const result = value ?? INVALID;
      for (const variable of pipe.decl) {
        const name = variable.ident[0] ?? "";
        if (pipe.isAssign) this.setVariable(name, result);
        else this.vars.push({ name, value: result });
      }
      return result;
    });
  }

  #command(dot: Value, command: CommandNode, final: Final): Value {
    this.budget.step();
    const { args } = command;
    const first = args[0];
    if (!first) return INVALID;
    const operands = args.slice(1);
    switch (first.kind) {
      case "field":
      case "chain":
      case "variable":
        return this.#path(dot, first, operands, final);
      case "identifier":
        return this.#function(dot, first, operands, final, command);
      case "pipe":
        this.#refuseArguments(first, operands, final);
        return this.pipeline(dot, first);
      default:
        this.at = first;
        this.#refuseArguments(first, operands, final);
        if (first.kind === "nil") this.fail("nil is not a command");
        return this.#literal(dot, first);
    }
  }

  #refuseArguments(node: OperandNode, operands: readonly OperandNode[], final: Final): void {
    if (operands.length > 0 || final) this.fail(`can't give argument to non-function ${printNode(node)}`);
  }

  #literal(dot: Value, node: OperandNode): Value {
    switch (node.kind) {
      case "dot":
        return dot;
      case "bool":
        return boolValue(node.value);
      case "string":
        return stringValue(node.text);
      case "number":
        return this.#number(node);
      default:
        return this.fail(`can't handle assignment of ${printNode(node)} to empty interface argument`);
    }
  }

  /** A constant used where no type is asked for: its spelling decides. */
  #number(node: NumberNode): Value {
    this.at = node;
    const { text, constant } = node;
    if (constant.complex) return { kind: "complex", type: COMPLEX128, ...constant.complex };
    const isHexInteger = text.length > 2 && /^0[xX]/.test(text) && !/[pP]/.test(text);
    if (constant.float !== undefined && !isHexInteger && !text.startsWith("'") && /[.eEpP]/.test(text)) {
      return { kind: "float", type: FLOAT64, value: constant.float };
    }
    return constant.int === undefined ? this.fail(`${text} overflows int`) : intValue(constant.int);
  }

  // Fields and methods

  #path(dot: Value, node: OperandNode, operands: readonly OperandNode[], final: Final): Value {
    this.at = node;
    let receiver = dot;
    let fields: readonly string[] = [];
    if (node.kind === "field") fields = node.ident;
    else if (node.kind === "variable") {
      receiver = this.variable(node.ident[0] ?? "");
      fields = node.ident.slice(1);
      if (fields.length === 0) this.#refuseArguments(node, operands, final);
    } else if (node.kind === "chain") {
      receiver = this.#chainBase(dot, node);
      fields = node.fields;
    }
    for (const [place, field] of fields.entries()) {
      const last = place === fields.length - 1;
      receiver = this.#field(dot, node, receiver, field, last ? operands : [], last ? final : undefined);
    }
    return receiver;
  }

  #chainBase(dot: Value, chain: ChainNode): Value {
    if (chain.node.kind === "nil") this.fail(`indirection through explicit nil in ${printNode(chain)}`);
    return this.#operand(dot, chain.node);
  }

  #field(dot: Value, node: Node, receiver: Value, name: string, operands: readonly OperandNode[], final: Final): Value {
    this.budget.step();
    if (receiver.kind === "invalid") return INVALID;
    const type = typeName(receiver);
    const { value, isNil } = indirect(receiver);
    if (value.kind === "interface" && isNil) this.fail(`nil pointer evaluating ${type}.${name}`);
    const method = this.#method(value, name);
    if (method) return this.#invoke(dot, node, name, method, operands, final);
    const hasArguments = operands.length > 0 || final !== undefined;
    if (value.kind === "struct") {
      const place = (value.type.fields ?? []).findIndex((field) => field.name === name);
      if (place >= 0) {
        // Go cannot see unexported names, which start in lower case.
        if (/^\p{Ll}/u.test(name)) this.fail(`${name} is an unexported field of struct type ${type}`);
        if (hasArguments) this.fail(`${name} has arguments but cannot be invoked as function`);
        return value.fields[place] ?? INVALID;
      }
    } else if (value.kind === "map") {
      if (hasArguments) this.fail(`${name} is not a method but has arguments`);
      const entry = value.entries?.get(name);
      return entry ?? (this.options.missingKey === "zero" ? zeroElement(value.type) : INVALID);
    } else if (value.kind === "pointer" && isNil) {
      const target = value.type.elem;
      const known = target?.kind !== "struct" || (target.fields ?? []).some((field) => field.name === name);
      if (known) this.fail(`nil pointer evaluating ${type}.${name}`);
    }
    return this.fail(`can't evaluate field ${name} in type ${type}`);
  }

  #method(value: Value, name: string): GoFunction | undefined {
    if (value.kind === "invalid") return undefined;
    const { string, methods } = value.type;
    if (name === "String" && string) return { params: [], call: () => stringValue(string(value)) };
    const method = methods?.get(name);
    return method && { params: [], call: () => method(value) };
  }

  // Functions

  #function(dot: Value, node: IdentifierNode, operands: readonly OperandNode[], final: Final, at: Node = node): Value {
    this.at = node;
    const { name } = node;
    const custom = this.options.functions?.get(name);
    if (custom) return this.#invoke(dot, at, name, custom, operands, final);
    if (name === "and" || name === "or") return this.#logic(dot, name, operands, final);
    if (name === "call") return this.#callBuiltin(dot, at, operands, final);
    const builtin = BUILTINS.get(name);
    if (!builtin) this.fail(`${quote(name)} is not a defined function`);
    return this.#invoke(dot, at, name, builtin, operands, final);
  }

  #checkCount(
    name: string,
    fn: Pick<GoFunction, "params" | "variadic">,
    operands: readonly OperandNode[],
    final: Final,
  ): void {
    const given = operands.length + (final ? 1 : 0);
    const wanted = fn.params.length;
    if (fn.variadic === undefined) {
      if (given !== wanted) this.fail(`wrong number of args for ${name}: want ${wanted} got ${given}`);
    } else if (given < wanted)
      this.fail(`wrong number of args for ${name}: want at least ${wanted} got ${operands.length}`);
  }

  /** `and` and `or` evaluate only as many arguments as they need. */
  #logic(dot: Value, name: "and" | "or", operands: readonly OperandNode[], final: Final): Value {
    this.#checkCount(name, { params: ["value"], variadic: "value" }, operands, final);
    let result: Value = INVALID;
    for (const operand of operands) {
      result = this.#argument(dot, operand, "value");
      if (isTrue(unboxed(result)) === (name === "or")) return result;
    }
    return final ?? result;
  }

  /** No value here is a function, so `call` can only fail, in Go's words. */
  #callBuiltin(dot: Value, at: Node, operands: readonly OperandNode[], final: Final): Value {
    this.#checkCount("call", { params: ["value"], variadic: "value" }, operands, final);
    const args = operands.map((operand) => this.#argument(dot, operand, "value"));
    const callee = unboxed(args[0] ?? final ?? INVALID);
    const name = operands[0]
      ? printNode(operands[0])
      : final?.kind === "string"
        ? final.value
        : `<${typeName(callee)} Value>`;
    this.at = at;
    const reason = callee.kind === "invalid" ? "call of nil" : `non-function ${name} of type ${typeName(callee)}`;
    return this.fail(`error calling call: ${reason}`);
  }

  #invoke(dot: Value, at: Node, name: string, fn: GoFunction, operands: readonly OperandNode[], final: Final): Value {
    this.#checkCount(name, fn, operands, final);
    const parameter = (place: number): Parameter => fn.params[place] ?? fn.variadic ?? "any";
    const args = operands.map((operand, place) => this.#argument(dot, operand, parameter(place)));
    if (final) args.push(this.#validated(final, parameter(args.length)));
    for (const arg of args) this.budget.read(arg);
    const result = fn.call(args, this.budget);
    if (result.kind === "error") {
      this.at = at;
      this.fail(`error calling ${name}: ${result.message}`);
    }
    this.budget.read(result);
    return result;
  }

  #argument(dot: Value, node: OperandNode, parameter: Parameter): Value {
    this.at = node;
    switch (node.kind) {
      case "dot":
        return this.#validated(dot, parameter);
      case "nil":
        if (parameter === "string") this.fail("cannot assign nil to string");
        return INVALID;
      case "field":
      case "variable":
      case "chain":
      case "pipe":
      case "identifier":
        return this.#validated(this.#operand(dot, node), parameter);
      default:
        if (parameter === "string" && node.kind !== "string") this.fail(`expected string; found ${printNode(node)}`);
        return this.#literal(dot, node);
    }
  }

  #operand(dot: Value, node: OperandNode): Value {
    this.at = node;
    switch (node.kind) {
      case "field":
      case "variable":
      case "chain":
        return this.#path(dot, node, [], undefined);
      case "pipe":
        return this.pipeline(dot, node);
      case "identifier":
        return this.#function(dot, node, [], undefined);
      default:
        return this.#literal(dot, node);
    }
  }

  /** A value as an argument of a Go parameter type. */
  #validated(value: Value, parameter: Parameter): Value {
    if (parameter !== "string") return value;
    if (value.kind === "invalid") this.fail("invalid value; expected string");
    const inner = value.kind === "interface" && value.inner !== null ? value.inner : value;
    const target = inner.kind === "pointer" && inner.target?.kind === "string" ? inner.target : inner;
    if (target.kind === "string") return target;
    return this.fail(
      `wrong type for value; expected string; got ${inner.kind === "invalid" ? ANY.name : inner.type.name}`,
    );
  }
}
