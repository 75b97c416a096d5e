// Help texts in cobra's layout, which scripts and people know from Ollama.

import { bareValue } from "./flags.ts";
import type { Command, CommandTable, Flags, FlagSpec } from "./command.ts";

const NARROWEST_NAME_COLUMN = 11;

export const helpSummary = "Help about any command";

/** Every command has this flag without declaring it. */
export function withHelpFlag(command: Command): Flags {
  return { ...command.flags, help: { type: "bool", short: "h", summary: `help for ${command.name}` } };
}

export function renderHelp(table: CommandTable, command: Command): string {
  return `${command.summary.trimEnd()}\n\n${renderUsage(table, command)}`;
}

export function renderUsage(table: CommandTable, command: Command, flags: Flags = withHelpFlag(command)): string {
  const isRoot = command === table.root;
  const path = isRoot ? command.name : `${table.root.name} ${command.name}`;
  const blocks = [`Usage:\n  ${[path, command.usage, "[flags]"].filter((part) => part !== undefined).join(" ")}`];
  if (isRoot) blocks[0] += `\n  ${path} [command]`;
  if (command.aliases !== undefined) blocks.push(`Aliases:\n  ${[command.name, ...command.aliases].join(", ")}`);
  if (isRoot) blocks.push(`Available Commands:\n${commandLines(table)}`);
  blocks.push(`Flags:\n${flagLines(flags)}`);
  if (isRoot) blocks.push(`Use "${path} [command] --help" for more information about a command.`);
  if (command.environment !== undefined && command.environment.length > 0) {
    const lines = command.environment.map(({ name, summary }) => `      ${name.padEnd(27)}   ${summary}`);
    blocks.push(`Environment Variables:\n${lines.join("\n")}`);
  }
  return `${blocks.join("\n\n")}\n`;
}

function commandLines(table: CommandTable): string {
  // Hidden names widen the column too, as they do in cobra.
  const width = Math.max(NARROWEST_NAME_COLUMN, ...table.commands.map((command) => command.name.length));
  const shown = table.commands.filter((command) => command.hidden !== true);
  return [...shown, { name: "help", summary: helpSummary }]
    .map(({ name, summary }) => `  ${name.padEnd(width)} ${summary}`)
    .join("\n");
}

function flagLines(flags: Flags): string {
  const shown = Object.entries(flags)
    .filter(([, flag]) => flag.hidden !== true)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, flag]) => ({ left: flagUsage(name, flag), summary: flag.summary }));
  const width = Math.max(...shown.map(({ left }) => left.length));
  return shown.map(({ left, summary }) => `${left.padEnd(width)}   ${summary}`).join("\n");
}

function flagUsage(name: string, flag: FlagSpec): string {
  const names = flag.short === undefined ? `      --${name}` : `  -${flag.short}, --${name}`;
  if (flag.type === "bool") return names;
  const bare = bareValue(flag);
  const optional = bare === undefined ? "" : flag.type === "string" ? `[="${bare}"]` : `[=${bare}]`;
  return `${names} ${flag.type}${optional}`;
}
