// From a command line to the command that runs. A command's code is loaded when it is known to run; nothing here is heavy.

import { isNoServer } from "../api/client.ts";
import { readConfig } from "../config.ts";
import { rootFlags } from "./command-flags.ts";
import { commandTable } from "./command-table.ts";
import type { Invocation } from "./command.ts";
import { type CliContext, processContext } from "./context.ts";
import { renderHelp } from "./help.ts";
import { parseArgs } from "./parse-args.ts";
import { finishOutput, guardOutput } from "./ui/output.ts";

/** These run whether or not a server answers, or look for one themselves. */
const needNoServer: ReadonlySet<string> = new Set([
  "service",
  "upgrade",
  "uninstall",
  "ollama",
  "serve",
  "doctor",
  "completion",
  "import",
  "key",
  "mv-models",
  "remote",
]);

export async function runCommandLine(argv: readonly string[]): Promise<number> {
  guardOutput();
  try {
    await dispatch(argv, processContext(readConfig(process.env)));
  } finally {
    await finishOutput();
  }
  return 0;
}

/** Throws AppError with what is to be told to the user. */
export async function dispatch(argv: readonly string[], context: CliContext): Promise<void> {
  const parsed = parseArgs(commandTable, argv);
  if (parsed.do === "help") return context[parsed.stream].write(parsed.text);
  const { command, input } = parsed;
  if (command === commandTable.root && input.flags["version"] !== true) {
    return bare(input.flags, context);
  }
  // Loaded while the server answers.
  const loading = command.load();
  // Undoing a launch needs no server either.
  if (!needNoServer.has(command.name) && input.flags["restore"] !== true) await reachServer(command.name, context);
  try {
    await (await loading).run(input, context);
  } catch (error) {
    const { advise } = await import("./advice/advise.ts");
    throw await advise(error, { name: command.name, args: input.args }, context);
  }
}

/** No command was named: a menu where somebody sits at a terminal that can show one, else the help. */
async function bare(flags: Invocation["flags"], context: CliContext): Promise<void> {
  const { stdin, stdout } = context;
  if (!stdin.isTerminal || !stdout.canRedraw) return stdout.write(renderHelp(commandTable, commandTable.root));
  const { chooseFromMenu } = await import("./menu/menu.ts");
  const chosen = await chooseFromMenu(context);
  if (chosen === undefined) return;
  const given = Object.keys(rootFlags).filter((name) => name !== "version" && flags[name] === true);
  const options = chosen[0] === "run" ? given.map((name) => `--${name}`) : [];
  await dispatch([...chosen, ...options], context);
}

async function reachServer(command: string, context: CliContext): Promise<void> {
  try {
    await context.client.heartbeat();
  } catch (error) {
    if (command !== "run" || !isNoServer(error)) throw error;
    const { startInBackground, startsInBackground } = await import("./background-server.ts");
    if (!startsInBackground(context.platform, context.config.host)) throw error;
    await startInBackground(context);
  }
}
