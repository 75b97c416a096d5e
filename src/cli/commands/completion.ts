// `ollama completion SHELL`: prints a script that teaches the shell this command line, installed models included.

import { AppError } from "../../base/errors.ts";
import { goQuote } from "../../base/go-text.ts";
import { commandTable } from "../command-table.ts";
import { bashCompletion } from "../completion/bash.ts";
import { completableCommands, rootFlags } from "../completion/completable.ts";
import { fishCompletion } from "../completion/fish.ts";
import { zshCompletion } from "../completion/zsh.ts";
import type { CliContext } from "../context.ts";

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

export async function run({ args }: { readonly args: readonly string[] }, { stdout }: CliContext): Promise<void> {
  const [shell = ""] = args;
  const write = Object.hasOwn(SHELLS, shell) ? SHELLS[shell as keyof typeof SHELLS] : undefined;
  if (write === undefined) throw new AppError("invalid", `unknown shell ${goQuote(shell)}: use bash, zsh or fish`);
  stdout.write(write(rootFlags(commandTable), completableCommands(commandTable)));
}
