// The tree of a regular expression over code points, as the ECMA-262 reader makes it and the automaton builder takes it.

import type { CharSet } from "./char-set.ts";

export type Regex =
  | { readonly is: "chars"; readonly set: CharSet }
  | { readonly is: "sequence"; readonly items: readonly Regex[] }
  | { readonly is: "choice"; readonly options: readonly Regex[] }
  | { readonly is: "repeat"; readonly item: Regex; readonly min: number; readonly max: number | undefined }
  /** `^` and `$`: true only before the first and after the last character. */
  | { readonly is: "start" }
  | { readonly is: "end" };

/** A whole pattern: what must be found, and what the text must (or must not) match from its start as well. */
export interface Pattern {
  readonly body: Regex;
  readonly lookaheads: readonly { readonly body: Regex; readonly negative: boolean }[];
}
