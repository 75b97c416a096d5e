// What reading and validating some bytes leads to: undefined when all is well, else the reason given.

import { AppError } from "../../../src/base/errors.ts";
import { readGguf } from "../../../src/formats/gguf/header.ts";
import { bytesSource } from "../../../src/formats/gguf/source.ts";
import { validateGguf } from "../../../src/formats/gguf/validate.ts";
import type { GgufWriteValue } from "../../../src/formats/gguf/write.ts";
import { layoutBytes, tinyLayout, type TinyLayout, type TinyModel } from "../../support/tiny-gguf.ts";

export function refusal(bytes: Uint8Array): string | undefined {
  try {
    validateGguf(readGguf(bytesSource(bytes)));
    return undefined;
  } catch (error) {
    if (error instanceof AppError && error.fault === "invalid") return error.message;
    throw error;
  }
}

export function refusalOf(model: TinyModel, change: (layout: TinyLayout) => void): string | undefined {
  const layout = tinyLayout(model);
  change(layout);
  return refusal(layoutBytes(layout));
}

/** With one key set, or taken away when there is no value. */
export function refusalWith(
  key: string,
  value: GgufWriteValue | undefined,
  model: TinyModel = "llama",
): string | undefined {
  return refusalOf(model, ({ metadata }) => {
    if (value === undefined) metadata.delete(key);
    else metadata.set(key, value);
  });
}
