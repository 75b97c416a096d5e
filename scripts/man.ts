// Writes docs/ollama.1, the manual page, from the command table. `--check` only compares.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandTable } from "../src/cli/command-table.ts";
import type { Command, Flags } from "../src/cli/command.ts";
import { bareValue } from "../src/cli/flags.ts";
import { withHelpFlag } from "../src/cli/help.ts";
import { describeSettings, settings } from "../src/config.ts";

const path = join(import.meta.dir, "../docs/ollama.1");

const FILES: readonly (readonly [path: string, what: string])[] = [
  ["~/.ollama/models", "The models, in Ollama's own layout, unless OLLAMA_MODELS names another folder."],
  ["~/.ollama/history", "What was typed in conversations, unless OLLAMA_NOHISTORY is set."],
  ["~/.ollama/config.json", "Which models integrations were launched with."],
  ["~/.ollama/backup", "Configuration files of other programs as they were before a launch changed them."],
  ["~/.cache/ollama", "Libraries and states that are made again when they are missing."],
];

export function manualPage(): string {
  const { root, commands } = commandTable;
  const shown = commands.filter((command) => command.hidden !== true);
  const variables = describeSettings(Object.keys(settings) as (keyof typeof settings)[]);
  return [
    '.\\" Made by scripts/man.ts from the command table: change that, not this.',
    '.TH OLLAMA 1 "" "" "User Commands"',
    // Long addresses leave gaps in lines that are filled to the edge.
    ".ad l",
    ".nh",
    ".SH NAME",
    `ollama \\- ${escaped(root.summary.trim().toLowerCase())}`,
    ".SH SYNOPSIS",
    ".B ollama",
    "[\\fIflags\\fR] [\\fIcommand\\fR]",
    ".SH DESCRIPTION",
    "Runs large language models on this machine: a server that keeps them loaded, and commands that talk to it.",
    "Without a command, and at a terminal, it shows a menu of what can be done.",
    ...flagLines(withHelpFlag(root)),
    ".SH COMMANDS",
    ...shown.flatMap(commandLines),
    ".SH ENVIRONMENT",
    ...variables.flatMap(({ env, summary }) => [".TP", `.B ${escaped(env)}`, escaped(summary)]),
    ".SH FILES",
    ...FILES.flatMap(([file, what]) => [".TP", `.I ${escaped(file)}`, escaped(what)]),
    ".SH EXIT STATUS",
    "0 on success, 1 on any error, which is told in one line on standard error.",
    "",
  ].join("\n");
}

function commandLines(command: Command): string[] {
  const names = [command.name, ...(command.aliases ?? [])].map((name) => `ollama ${name}`).join(", ");
  return [
    `.SS "${escaped([names, command.usage].filter((part) => part !== undefined).join(" "))}"`,
    escaped(`${command.summary.trim()}.`),
    ...flagLines(command.flags),
  ];
}

function flagLines(flags: Flags): string[] {
  return Object.entries(flags)
    .filter(([, flag]) => flag.hidden !== true)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .flatMap(([name, flag]) => {
      const names = `${flag.short === undefined ? "" : `-${flag.short}, `}--${name}`;
      const value = flag.type === "bool" ? "" : bareValue(flag) === undefined ? ` ${flag.type}` : `[=${flag.type}]`;
      return [".TP", `\\fB${escaped(names)}\\fR${escaped(value)}`, escaped(flag.summary)];
    });
}

/** A hyphen that is meant to be typed is a minus for roff; a dot or quote at a line's start would be a request. */
function escaped(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll('"', "\\(dq").replace(/^[.']/, "\\&$&");
}

if (import.meta.main) {
  const page = manualPage();
  if (process.argv.includes("--check")) process.exit(existsSync(path) && readFileSync(path, "utf8") === page ? 0 : 1);
  writeFileSync(path, page);
}
