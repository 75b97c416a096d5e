// What Ollama reads off a Go template without running it: capabilities, the tag that opens tool calls and the tags
// around thinking (tools/template.go, thinking/template.go, server/images.go).

import type { BranchNode, ListNode, Node, StatementNode } from "../../formats/gotemplate/ast.ts";
import { trimSpace } from "../../formats/gotemplate/go-text.ts";
import type { GoTemplate } from "./parse-go-template.ts";

export interface ThinkingTags {
  readonly opening: string;
  readonly closing: string;
}

export interface TemplateFacts {
  readonly usesMessages: boolean;
  readonly usesTools: boolean;
  readonly usesSuffix: boolean;
  /** Both thinking tags were found, which is Ollama's test for the capability. */
  readonly usesThinking: boolean;
  /** Tools can be offered, called, and answered (shouldPreferChatTemplate). */
  readonly hasToolRoundTrip: boolean;
  /** Text that announces tool calls in the model's answer; "{" where the template names none. */
  readonly toolTag: string;
  /** As inferred, possibly with one or both empty. */
  readonly thinkingTags: ThinkingTags;
}

const EMPTY: readonly StatementNode[] = [];

function rootNodes(template: GoTemplate): readonly StatementNode[] {
  return template.trees.get("")?.nodes ?? EMPTY;
}

function testsToolCalls(node: BranchNode): boolean {
  return node.pipe.cmds.some((command) =>
    command.args.some((arg) => arg.kind === "field" && arg.ident.includes("ToolCalls")),
  );
}

/** The first `if` on .ToolCalls, depth first. */
function findToolCallBranch(nodes: readonly StatementNode[]): BranchNode | undefined {
  for (const node of nodes) {
    if (node.kind !== "if" && node.kind !== "range" && node.kind !== "with") continue;
    if (node.kind === "if" && testsToolCalls(node)) return node;
    const found = findToolCallBranch(node.list.nodes) ?? findToolCallBranch(node.elseList?.nodes ?? EMPTY);
    if (found) return found;
  }
  return undefined;
}

/** The first visible text; an action or a branch without text ends the search, for what follows is not the tag. */
function findText(nodes: readonly StatementNode[]): string | undefined {
  for (const node of nodes) {
    switch (node.kind) {
      case "text":
        if (trimSpace(node.text) !== "") return node.text;
        break;
      case "if":
      case "range":
      case "with":
        return findText(node.list.nodes) ?? findText(node.elseList?.nodes ?? EMPTY);
      case "action":
        return undefined;
      default:
    }
  }
  return undefined;
}

function toolTag(template: GoTemplate): string {
  const branch = findToolCallBranch(rootNodes(template));
  const found = branch && findText(branch.list.nodes);
  const [tag = ""] = (found ?? "").replaceAll("\r\n", "\n").split("{");
  return trimSpace(tag) || "{";
}

interface Surroundings {
  readonly list?: ListNode;
  readonly range?: BranchNode;
}

/** Calls `visit` on every field below a node, with the nearest list and range around it. */
function visitFields(node: Node, around: Surroundings, visit: (name: string, around: Surroundings) => void): void {
  switch (node.kind) {
    case "list":
      for (const child of node.nodes) visitFields(child, { ...around, list: node }, visit);
      return;
    case "if":
    case "with":
    case "range": {
      const inside = node.kind === "range" ? { ...around, range: node } : around;
      for (const child of [node.pipe, node.list, node.elseList]) if (child) visitFields(child, inside, visit);
      return;
    }
    case "action":
    case "template":
      if (node.pipe) visitFields(node.pipe, around, visit);
      return;
    case "pipe":
      for (const command of node.cmds) visitFields(command, around, visit);
      return;
    case "command":
      for (const arg of node.args) visitFields(arg, around, visit);
      return;
    case "field":
      visit(node.ident[0] ?? "", around);
      return;
    default:
  }
}

function rangesOverMessages(range: BranchNode): boolean {
  let found = false;
  visitFields(range.pipe, {}, (name) => {
    if (name === "Messages") found = true;
  });
  return found;
}

/** First and last text of the list around .Thinking, inside a range over .Messages; later uses overrule earlier ones. */
function thinkingTags(template: GoTemplate): ThinkingTags {
  let opening = "";
  let closing = "";
  const root = template.trees.get("");
  if (!root) return { opening, closing };
  visitFields(root, {}, (name, { list, range }) => {
    if (name !== "Thinking" || !list || !range || !rangesOverMessages(range)) return;
    const first = list.nodes[0];
    const last = list.nodes.at(-1);
    if (first?.kind === "text") opening = trimSpace(first.text);
    if (last?.kind === "text") closing = trimSpace(last.text);
  });
  return { opening, closing };
}

const TOOL_RESULT_MARKS = ['eq .Role "tool"', "tool_response", "TOOL_RESULTS"];

export function templateFacts(template: GoTemplate): TemplateFacts {
  const { source, variables } = template;
  const tags = thinkingTags(template);
  const usesTools = variables.has("tools");
  const answersTools = TOOL_RESULT_MARKS.some((mark) => source.includes(mark));
  return {
    usesMessages: variables.has("messages"),
    usesTools,
    usesSuffix: variables.has("suffix"),
    usesThinking: tags.opening !== "" && tags.closing !== "",
    hasToolRoundTrip: usesTools && variables.has("toolcalls") && answersTools,
    toolTag: toolTag(template),
    thinkingTags: tags,
  };
}
