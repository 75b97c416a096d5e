// What a model served elsewhere can do: what its config says, else what the engine says, else what nearly all can.

import type { DialogFormat } from "../../chat/dialog-format.ts";
import type { ModelAbilities } from "../model.ts";
import type { EngineFacts } from "./engine-facts.ts";

export function abilitiesOf(
  configured: readonly string[],
  facts: EngineFacts,
  format: DialogFormat | undefined,
): ModelAbilities {
  const said = configured.length > 0 ? configured : (facts.capabilities ?? []);
  const isSaid = said.length > 0;
  const has = (capability: string) => said.includes(capability);
  return {
    completion: !isSaid || has("completion") || !has("embedding"),
    tools: format === undefined ? !isSaid || has("tools") : format.usesTools,
    thinking: format === undefined ? (isSaid ? has("thinking") : "unknown") : format.usesThinking,
    // vLLM refuses a suffix; of others it is known only where they are asked for what they can do.
    insert: format === undefined ? (isSaid ? has("insert") : facts.flavour !== "vllm") : format.usesSuffix,
    // A text that is rendered here goes to a route that takes text only.
    vision: format !== undefined ? false : isSaid ? has("vision") : (facts.takesImages ?? "unknown"),
    embedding: !isSaid || has("embedding"),
    rerank: false,
  };
}
