// The few styles the terminal output has (Ollama: readline/types.go), and the words around a model's thinking, which are
// grey where colour is possible and plain where it is not (cmd/cmd.go, thinkingOutputOpeningText).

import type { Screen } from "./terminal.ts";

const GREY = "\x1b[38;5;245m";
const BOLD = "\x1b[1m";
const PLAIN = "\x1b[0m";

type Look = Pick<Screen, "hasColor">;

export function grey(text: string, { hasColor }: Look): string {
  return hasColor && text !== "" ? `${GREY}${text}${PLAIN}` : text;
}

/** Leaves the terminal grey: the thinking itself follows. */
export function thinkingOpening({ hasColor }: Look): string {
  return hasColor ? `${GREY}${BOLD}Thinking...\n${PLAIN}${GREY}` : "Thinking...\n";
}

export function thinkingClosing({ hasColor }: Look): string {
  return hasColor ? `${GREY}${BOLD}...done thinking.\n\n${PLAIN}` : "...done thinking.\n\n";
}

/** A call of a tool that was never offered. */
export function toolCallText(name: string, args: string, { hasColor }: Look): string {
  const [explanation, value] = hasColor ? [GREY + BOLD, PLAIN] : ["", ""];
  const call = `Model called a non-existent function '${value}${name}${explanation}()' with arguments: ${value}${args}`;
  return `${explanation}  ${call}${value}`;
}
