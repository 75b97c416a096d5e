// Whether a LoRA adapter belongs to a model: the checks of llama.cpp (src/llama-adapter.cpp), and those it lacks, made before
// native code sees either. Both files are valid by themselves.

import type { Gguf } from "./header.ts";
import { quoteName } from "./invalid.ts";
import { type GgufTensor } from "./tensors.ts";

const PAIR = /^(.*)\.lora_([ab])$/;

/** Why it does not fit; undefined when it does. */
export function adapterMisfit(base: Gguf, adapter: Gguf): string | undefined {
  const [theirs, ours] = [adapter.metadata.architecture, base.metadata.architecture];
  if (theirs !== ours) return `it was made for a ${theirs} model and this is a ${ours} model`;
  const tensors = new Map(base.tensors.map((tensor) => [tensor.name, tensor]));
  const pairs = new Map<string, { a?: GgufTensor; b?: GgufTensor }>();
  for (const tensor of adapter.tensors) {
    const [, name = "", half] = PAIR.exec(tensor.name) ?? [];
    if (half === "a") pairs.set(name, { ...pairs.get(name), a: tensor });
    else if (half === "b") pairs.set(name, { ...pairs.get(name), b: tensor });
  }
  for (const [name, { a, b }] of pairs) {
    const target = tensors.get(name);
    if (target === undefined) return `the model has no tensor ${quoteName(name)}`;
    const problem = a === undefined || b === undefined ? "half of the pair is missing" : pairMisfit(target, a, b);
    if (problem !== undefined) return `tensor ${quoteName(name)}: ${problem}`;
  }
  return undefined;
}

function pairMisfit(target: GgufTensor, a: GgufTensor, b: GgufTensor): string | undefined {
  if ([a, b].some(({ type }) => /^(I\d+|F64)$/.test(type.name)))
    return `its type is ${a.type.name}, not one of weights`;
  const [inputs = 1, outputs = 1, ...experts] = target.shape;
  const [a0 = 1, a1 = 1, ...aExperts] = a.shape;
  const [b0 = 1, b1 = 1, ...bExperts] = b.shape;
  const shapes = `the model's is [${target.shape.join(", ")}], the adapter's [${a.shape.join(", ")}] and [${b.shape.join(", ")}]`;
  // An embedding is looked up, not multiplied: its pair is turned round.
  const fits =
    target.name === "token_embd.weight"
      ? b1 === inputs && a1 === outputs && a0 === b0
      : a0 === inputs && b1 === outputs && a1 === b0;
  const sameExperts = [aExperts, bExperts].every((lengths) => lengths.join() === experts.join());
  return fits && sameExperts ? undefined : shapes;
}
