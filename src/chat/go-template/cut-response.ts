// The last turn of a legacy template ends where the model's answer begins: everything after the first .Response is
// dropped, including the rest of the action it stands in (template/template.go, deleteNode).

import type {
  BranchNode,
  CommandNode,
  ListNode,
  OperandNode,
  PipeNode,
  StatementNode,
} from "../../formats/gotemplate/ast.ts";

class Cutter {
  #cut = false;

  list(list: ListNode): ListNode {
    const nodes = list.nodes.map((node) => this.#statement(node)).filter((node) => node !== undefined);
    return { ...list, nodes };
  }

  #statement(node: StatementNode): StatementNode | undefined {
    if (this.#cut) return undefined;
    switch (node.kind) {
      case "if":
      case "range":
      case "with":
        return this.#branch(node);
      case "action": {
        const pipe = this.#pipe(node.pipe);
        return pipe && { ...node, pipe };
      }
      default:
        return node;
    }
  }

  #branch(node: BranchNode): BranchNode {
    const list = this.list(node.list);
    // Ollama crashes on an else that follows the cut; dropping it is what the cut means.
    const elseList = node.elseList && !this.#cut ? this.list(node.elseList) : undefined;
    return { ...node, list, elseList };
  }

  #pipe(pipe: PipeNode): PipeNode | undefined {
    const cmds: CommandNode[] = [];
    for (const command of pipe.cmds) {
      const args = command.args.map((arg) => this.#operand(arg)).filter((arg) => arg !== undefined);
      // `.Response | f` loses f and with it the whole action.
      if (args.length === 0) return undefined;
      cmds.push({ ...command, args });
    }
    return { ...pipe, cmds };
  }

  #operand(node: OperandNode): OperandNode | undefined {
    if (node.kind === "field" && node.ident.includes("Response")) {
      this.#cut = true;
      return node;
    }
    if (this.#cut) return undefined;
    return node.kind === "pipe" ? this.#pipe(node) : node;
  }
}

export function cutAfterResponse(tree: ListNode): ListNode {
  return new Cutter().list(tree);
}
