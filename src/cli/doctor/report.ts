// The findings as a list for people.

import type { Screen } from "../ui/terminal.ts";
import { hangingIndent } from "../ui/hanging-indent.ts";
import type { Finding, Level } from "./finding.ts";

const COLORS: Readonly<Record<Level, number>> = { ok: 32, note: 36, warning: 33, problem: 31 };
const INDENT = 10;

export function renderFindings(findings: readonly Finding[], screen: Screen): string {
  return findings.map((finding) => renderFinding(finding, screen)).join("");
}

function renderFinding({ check, level, summary, advice }: Finding, { hasColor, isTerminal, columns }: Screen): string {
  // A pipe has no width: each finding stays on one line, its advice on another.
  const width = isTerminal ? columns - 1 : Number.POSITIVE_INFINITY;
  const label = level.padEnd(INDENT);
  const shown = hasColor ? `\x1b[${COLORS[level]}m${label}\x1b[0m` : label;
  const lines = hangingIndent(`${check}: ${summary}`, INDENT, width);
  const advised = advice === undefined ? "" : hangingIndent(`→ ${advice}`, INDENT, width, " ".repeat(INDENT));
  return `${shown}${lines}\n${advised === "" ? "" : `${advised}\n`}`;
}
