// Function names as gpt-oss can write them: TypeScript-like identifiers, mapped back when a call comes
// (Ollama: harmony/harmonyparser.go, FunctionNameMap).

import type { ToolDefinition } from "../message.ts";

const BUILT_IN = new Set(["browser.open", "browser.search", "browser.find", "python"]);

export class HarmonyNames {
  readonly #original = new Map<string, string>();
  readonly #renamed: ToolDefinition[];

  constructor(tools: readonly ToolDefinition[]) {
    this.#renamed = tools.map((tool) => {
      const original = tool.function.name;
      if (original === "") return tool;
      const name = BUILT_IN.has(original) ? original : this.#unused(identifier(original));
      this.#original.set(name, original);
      return { ...tool, function: { ...tool.function, name } };
    });
  }

  renamedTools(): ToolDefinition[] {
    return this.#renamed;
  }

  original(name: string): string {
    return this.#original.get(name) ?? name;
  }

  #unused(candidate: string): string {
    let name = candidate;
    for (let count = 2; this.#original.has(name); count++) name = `${candidate}_${count}`;
    return name;
  }
}

function identifier(name: string): string {
  const valid = name.replace(/[ .-]/g, "_").replace(/[^\p{L}\p{Nd}_$]/gu, "");
  if (valid === "") return "unnamed";
  return /^\d/.test(valid) ? `_${valid}` : valid;
}
