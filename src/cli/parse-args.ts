// argv → which command runs with what, or which help is shown. Finding the command follows cobra: flags may come before its
// name, and a flag that is unknown at that point is taken to swallow the next word.

import { AppError } from "../base/errors.ts";
import { goQuote } from "../base/go-text.ts";
import { bareValue, findLong, findShort, parseFlags, type ParsedFlags } from "./flags.ts";
import { helpSummary, renderHelp, renderUsage, withHelpFlag } from "./help.ts";
import { suggestions } from "./suggest.ts";
import type { Command, CommandTable, Flags, Invocation } from "./command.ts";

export type ParsedArgs<Context = unknown> =
  | { readonly do: "run"; readonly command: Command<Context>; readonly input: Invocation }
  | { readonly do: "help"; readonly text: string; readonly stream: "stdout" | "stderr" };

/** `argv` is without the program's own name. Throws AppError("invalid") with cobra's message. */
export function parseArgs<Context>(table: CommandTable<Context>, argv: readonly string[]): ParsedArgs<Context> {
  const named = positions(table.root.flags, argv)[0];
  const name = named === undefined ? undefined : argv[named];
  const command = name === undefined ? table.root : findCommand(table, name);
  if (command === undefined) {
    if (name === "help") return parseHelp(table, withoutIndex(argv, named));
    throw unknownCommand(table, name ?? "");
  }
  const parsed = parseFlags(withHelpFlag(command), withoutIndex(argv, named));
  if (parsed.values["help"] === true) return { do: "help", text: renderHelp(table, command), stream: "stdout" };
  checkArity(command, parsed.args.length);
  checkExclusive(command, parsed);
  const { help: _help, ...flags } = parsed.values;
  const { args, given, argsBeforeDash } = parsed;
  return { do: "run", command, input: { args, flags, given, argsBeforeDash } };
}

function findCommand<Context>(table: CommandTable<Context>, name: string): Command<Context> | undefined {
  return table.commands.find((command) => command.name === name || command.aliases?.includes(name) === true);
}

/** Indexes of the words that are neither flags nor, as far as the known flags tell, their values. */
function positions(flags: Flags, argv: readonly string[]): number[] {
  const found: number[] = [];
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? "";
    if (word === "--") break;
    if (takesNextWord(flags, word)) index += 1;
    else if (word !== "" && !word.startsWith("-")) found.push(index);
  }
  return found;
}

function takesNextWord(flags: Flags, word: string): boolean {
  if (word.includes("=")) return false;
  if (word.startsWith("--")) return bareValue(findLong(flags, word.slice(2))) === undefined;
  return word.startsWith("-") && word.length === 2 && bareValue(findShort(flags, word.slice(1))?.[1]) === undefined;
}

function withoutIndex(argv: readonly string[], index: number | undefined): string[] {
  return argv.filter((_, at) => at !== index);
}

function unknownCommand(table: CommandTable, name: string): AppError {
  const visible = table.commands.filter((command) => command.hidden !== true).map((command) => command.name);
  const close = suggestions(name, visible);
  const block = close.length === 0 ? "" : `\n\nDid you mean this?\n${close.map((each) => `\t${each}\n`).join("")}`;
  return new AppError("invalid", `unknown command ${goQuote(name)} for ${goQuote(table.root.name)}${block}`);
}

/** `help`, `help COMMAND`: an unknown topic gets the root's usage on standard error, and is no failure. */
function parseHelp<Context>(table: CommandTable<Context>, argv: readonly string[]): ParsedArgs<Context> {
  const self: Command = {
    name: "help",
    summary: [
      "Help provides help for any command in the application.",
      `Simply type ${table.root.name} help [path to command] for full details.`,
    ].join("\n"),
    usage: "[command]",
    args: "any",
    flags: {},
    load: () => Promise.reject(new AppError("internal", helpSummary)),
  };
  const parsed = parseFlags(withHelpFlag(self), argv);
  if (parsed.values["help"] === true) return { do: "help", text: renderHelp(table, self), stream: "stdout" };
  const topic = parsed.args[0];
  const command = topic === undefined ? table.root : topic === "help" ? self : findCommand(table, topic);
  if (command !== undefined) return { do: "help", text: renderHelp(table, command), stream: "stdout" };
  const topics = parsed.args.map((arg) => (arg.includes("`") ? goQuote(arg) : `\`${arg}\``)).join(" ");
  const text = `Unknown help topic [${topics}]\n${renderUsage(table, table.root, table.root.flags)}`;
  return { do: "help", text, stream: "stderr" };
}

function checkArity(command: Command, count: number): void {
  const rule = command.args;
  if (rule === "any") return;
  if ("exactly" in rule) {
    if (count !== rule.exactly) throw new AppError("invalid", `accepts ${rule.exactly} arg(s), received ${count}`);
  } else if (count < rule.atLeast) {
    throw new AppError("invalid", `requires at least ${rule.atLeast} arg(s), only received ${count}`);
  }
}

function checkExclusive(command: Command, parsed: ParsedFlags): void {
  const names = command.exclusive ?? [];
  if (names.filter((name) => parsed.values[name] === true).length < 2) return;
  const quoted = names.map((name) => `'--${name}'`);
  const list = `${quoted.slice(0, -1).join(", ")}, or ${quoted.at(-1)}`;
  throw new AppError("invalid", `only one of ${list} can be specified`);
}
