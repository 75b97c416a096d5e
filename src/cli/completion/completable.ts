// What shells complete, read off the command table: for each command its names, flags and the words it takes.

import type { Command, CommandTable } from "../command.ts";
import { bareValue } from "../flags.ts";
import { helpSummary, withHelpFlag } from "../help.ts";

export interface CompletableFlag {
  /** "--file" */
  readonly long: string;
  /** "-f"; "" without one. */
  readonly short: string;
  readonly summary: string;
  /** The next word belongs to it. */
  readonly takesWord: boolean;
}

export interface CompletableCommand {
  /** Its name, then its aliases. */
  readonly names: readonly string[];
  readonly summary: string;
  readonly flags: readonly CompletableFlag[];
  /** Installed models, a fixed set of words, or files. */
  readonly words: "models" | "files" | readonly string[];
  /** Only the first word is one of these. */
  readonly onlyFirst: boolean;
}

export function completableCommands(table: CommandTable): CompletableCommand[] {
  const shown = table.commands.filter((command) => command.hidden !== true);
  const names = shown.map((command) => command.name);
  return [
    ...shown.map(completable),
    { names: ["help"], summary: helpSummary, flags: [], words: names, onlyFirst: true },
  ];
}

export function rootFlags(table: CommandTable): readonly CompletableFlag[] {
  return flagsOf(table.root);
}

function completable(command: Command): CompletableCommand {
  const { completes = [] } = command;
  const isMany = /\[MODEL\.\.\.\]/.test(command.usage ?? "");
  return {
    names: [command.name, ...(command.aliases ?? [])],
    summary: command.summary,
    flags: flagsOf(command),
    words: completes,
    onlyFirst: !isMany,
  };
}

function flagsOf(command: Command): CompletableFlag[] {
  return Object.entries(withHelpFlag(command))
    .filter(([, flag]) => flag.hidden !== true)
    .map(([name, flag]) => ({
      long: `--${name}`,
      short: flag.short === undefined ? "" : `-${flag.short}`,
      summary: flag.summary,
      takesWord: bareValue(flag) === undefined,
    }));
}
