// Opens GGUF blobs for reading. Facts are remembered as long as the file is the same: what somebody changed on disk is
// judged again before native code sees it.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { AppError } from "../base/errors.ts";
import { FileMemo } from "../base/file-memo.ts";
import { type GgufFacts, ggufFacts } from "../formats/gguf/facts.ts";
import { type Gguf, readGguf } from "../formats/gguf/header.ts";
import { validateGguf } from "../formats/gguf/validate.ts";

/** Runs `use` with the parsed file; the descriptor is closed afterwards, so nothing lazy may leave `use`. */
export function withGguf<T>(path: string, use: (gguf: Gguf) => T): T {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (isMissing) {
      throw new AppError("not-found", "the model's weights are missing; pull or create it again", { cause: error });
    }
    throw error;
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

const remembered = new FileMemo<GgufFacts>(64);

/** Facts of a valid file; throws `invalid` with the reason for one that must not reach native code. */
export function checkedGgufFacts(path: string): GgufFacts {
  return remembered.readSync(path, () =>
    withGguf(path, (gguf) => {
      validateGguf(gguf);
      return ggufFacts(gguf);
    }),
  );
}
