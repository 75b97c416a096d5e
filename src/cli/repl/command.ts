// What the parts of the conversation prompt share: what a command works on, and what it wants to happen next.

import type { CliContext } from "../context.ts";
import type { Session } from "../run/session.ts";
import type { History } from "./history.ts";

export interface Repl {
  readonly context: CliContext;
  readonly session: Session;
  readonly history: History;
}

export type Outcome =
  | { readonly do: "prompt" }
  | { readonly do: "leave" }
  | { readonly do: "send"; readonly text: string }
  /** More lines follow, up to one that ends with three quotes; `first` still has the opening ones. */
  | { readonly do: "collect"; readonly into: "message" | "system"; readonly first: string };

export const promptAgain: Outcome = { do: "prompt" };

export function wordsOf(line: string): string[] {
  return line.split(/\s+/).filter((word) => word !== "");
}

/** The line without its first words, blanks and line breaks inside kept. */
export function textAfter(line: string, words: number): string {
  return line.replace(new RegExp(`^\\s*(?:\\S+\\s*){${words}}`), "").trimEnd();
}
