// Ollama's Parse: Go's parser, Ollama's functions, and `{{ .Response }}` appended where a template would otherwise
// have no place for an answer (template/template.go).

import { AppError } from "../../base/errors.ts";
import type { ListNode, Node, OperandNode, ParsedTemplate, StatementNode } from "../../formats/gotemplate/ast.ts";
import { isBuiltin } from "../../formats/gotemplate/functions.ts";
import { parseTemplate } from "../../formats/gotemplate/parse.ts";

export interface GoTemplate extends ParsedTemplate {
  /** Lower-case names of all fields and variables mentioned, sorted. */
  readonly variables: ReadonlySet<string>;
}

export const CUSTOM_FUNCTIONS = ["json", "currentDate", "yesterdayDate", "toTypeScriptType"] as const;
export type CustomFunction = (typeof CUSTOM_FUNCTIONS)[number];

const customNames: ReadonlySet<string> = new Set(CUSTOM_FUNCTIONS);

const RESPONSE: StatementNode = {
  kind: "action",
  pos: 0,
  pipe: {
    kind: "pipe",
    pos: 0,
    isAssign: false,
    decl: [],
    cmds: [{ kind: "command", pos: 0, args: [{ kind: "field", pos: 0, ident: ["Response"] }] }],
  },
};

// Chains such as (index .Messages 0).Role are opaque to Ollama here, and so are declared variables.
function* operandNames(node: OperandNode): Generator<string> {
  if (node.kind === "field" || node.kind === "variable") yield* node.ident;
  else if (node.kind === "pipe")
    for (const command of node.cmds) for (const arg of command.args) yield* operandNames(arg);
}

function* names(node: Node): Generator<string> {
  switch (node.kind) {
    case "list":
      for (const child of node.nodes) yield* names(child);
      return;
    case "template":
      if (!node.pipe) throw new AppError("invalid", "undefined template specified");
      yield* operandNames(node.pipe);
      return;
    case "action":
      yield* operandNames(node.pipe);
      return;
    case "if":
    case "range":
    case "with":
      yield* operandNames(node.pipe);
      yield* names(node.list);
      if (node.elseList) yield* names(node.elseList);
      return;
    default:
  }
}

function variablesOf(trees: Iterable<ListNode>): ReadonlySet<string> {
  const found = new Set<string>();
  for (const tree of trees) for (const name of names(tree)) found.add(name.toLowerCase());
  return new Set([...found].sort());
}

/** Throws AppError "invalid" in Go's or Ollama's words. */
export function parseGoTemplate(source: string): GoTemplate {
  const { trees } = parseTemplate(source, (name) => isBuiltin(name) || customNames.has(name));
  const variables = variablesOf(trees.values());
  if (variables.has("messages") || variables.has("response")) return { source, trees, variables };
  const root = trees.get("") ?? { kind: "list", pos: 0, nodes: [] };
  return {
    source,
    variables: new Set([...variables, "response"].sort()),
    trees: new Map(trees).set("", { ...root, nodes: [...root.nodes, RESPONSE] }),
  };
}
