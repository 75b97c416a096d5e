// Which model may have been meant by a name that is none: the same model under another tag, or a name that differs by a slip
// of the keyboard. Host and namespace must be right; they are seldom typed.

import { editDistance } from "../suggest.ts";

const MOST = 4;

/** Nearest first; none where nothing is near. */
export function nearNames(typed: string, names: readonly string[]): string[] {
  const wanted = split(typed);
  return [...new Set(names)]
    .map((name) => ({ name, distance: distance(wanted, split(name)) }))
    .filter(({ distance }) => distance !== undefined)
    .sort((left, right) => (left.distance ?? 0) - (right.distance ?? 0) || (left.name < right.name ? -1 : 1))
    .slice(0, MOST)
    .map(({ name }) => name);
}

interface Split {
  readonly model: string;
  readonly tag: string;
}

function split(name: string): Split {
  const [, model = "", tag = "latest"] = /^(.*?)(?::([^:/]*))?$/s.exec(name.toLowerCase()) ?? [];
  return { model, tag };
}

/** undefined: not near. A wrong model name counts more than a wrong tag. */
function distance(wanted: Split, candidate: Split): number | undefined {
  const allowed = wanted.model.length < 5 ? 1 : 2;
  const plain = [wanted.model, candidate.model].map((model) => model.replace(/[-_.]/g, ""));
  const edits = plain[0] === plain[1] ? 0 : editDistance(wanted.model, candidate.model);
  const begins = wanted.model.length >= 3 && candidate.model.startsWith(wanted.model);
  if (edits > allowed && !begins) return undefined;
  const wrongTag = wanted.tag === candidate.tag ? 0 : 1;
  return Math.min(edits, allowed + 1) * 2 + wrongTag;
}
