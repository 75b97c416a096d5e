// A LoRA adapter: llama.cpp reads these keys without looking at their types, and needs tensors in pairs
// (src/llama-adapter.cpp).

import type { Gguf } from "./header.ts";
import { invalid, quoteName } from "./invalid.ts";
import { optionalArray, optionalFloat, optionalText } from "./require-key.ts";

export function validateAdapter({ metadata, tensors }: Gguf): void {
  const type = optionalText(metadata, "adapter.type") ?? "";
  if (type !== "lora") throw invalid(`expect adapter.type to be 'lora', but got: ${quoteName(type)}`);
  const alpha = optionalFloat(metadata, "adapter.lora.alpha");
  if (alpha !== undefined && !Number.isFinite(alpha)) throw invalid("adapter.lora.alpha must be a finite number");
  optionalArray(metadata, "adapter.alora.invocation_tokens", ["u32"]);

  const names = new Set(tensors.map(({ name }) => name));
  let pairs = 0;
  for (const { name } of tensors) {
    if (name.endsWith("_norm.weight")) continue;
    const partner = partnerOf(name);
    if (partner === undefined) throw invalid(`LoRA tensor ${quoteName(name)} has unexpected suffix`);
    if (!names.has(partner)) throw invalid(`LoRA tensor pair for ${quoteName(name)} is missing one component`);
    pairs += 1;
  }
  if (pairs === 0) throw invalid("adapter has no LoRA tensors");
}

function partnerOf(name: string): string | undefined {
  if (name.endsWith(".lora_a")) return `${name.slice(0, -1)}b`;
  if (name.endsWith(".lora_b")) return `${name.slice(0, -1)}a`;
  return undefined;
}
