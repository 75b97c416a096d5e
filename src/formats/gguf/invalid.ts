// The refusals of this folder. A name that comes from the file is quoted as Go's %q does and cut when absurdly long.

import { AppError } from "../../base/errors.ts";
import { goQuote } from "../../base/go-text.ts";

const SHOWN_CHARACTERS = 100;

export function invalid(reason: string): AppError {
  return new AppError("invalid", reason);
}

/** Ollama words its own limits so (fs/ggml/gguf.go). */
export function tooLarge(what: string, found: number, maximum: number): AppError {
  return invalid(`GGUF ${what} ${BigInt(found)} exceeds maximum ${maximum}`);
}

export function quoteName(name: string): string {
  return goQuote(name.length > SHOWN_CHARACTERS ? `${name.slice(0, SHOWN_CHARACTERS)}…` : name);
}
