// Opens GGUF blobs for reading. Facts are remembered by digest: a blob never changes under its name.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { AppError } from "../base/errors.ts";
import { type GgufFacts, ggufFacts } from "../formats/gguf/facts.ts";
import { type Gguf, readGguf } from "../formats/gguf/header.ts";
import { validateGguf } from "../formats/gguf/validate.ts";

/** Runs `use` with the parsed file; the descriptor is closed afterwards, so nothing lazy may leave `use`. */
export function withGguf<T>(path: string, use: (gguf: Gguf) => T): T {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    throw new AppError("not-found", "the model's weights are missing; pull or create it again", { cause: error });
  }
  try {
    const size = fstatSync(descriptor).size;
    return use(
      readGguf({ size, readAt: (target, offset) => readSync(descriptor, target, 0, target.byteLength, offset) }),
    );
  } finally {
    closeSync(descriptor);
  }
}

const FACTS_KEPT = 64;
const remembered = new Map<string, GgufFacts>();

/** Facts of a valid file; throws `invalid` with the reason for one that must not reach native code. */
export function checkedGgufFacts(path: string): GgufFacts {
  const known = remembered.get(path);
  if (known !== undefined) return known;
  const facts = withGguf(path, (gguf) => {
    validateGguf(gguf);
    return ggufFacts(gguf);
  });
  if (remembered.size >= FACTS_KEPT) remembered.delete(remembered.keys().next().value ?? "");
  remembered.set(path, facts);
  return facts;
}
