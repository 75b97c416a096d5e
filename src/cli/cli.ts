// The command table and its dispatch. A command's code is loaded when it is known to run; nothing here is heavy.

import { describeSettings, readConfig, settings } from "../config.ts";
import { createFlags, importFlags, noFlags, rootFlags, runFlags, showFlags, transferFlags } from "./command-flags.ts";
import { type Command, type CommandTable, defineCommand, type EnvironmentVariable } from "./command.ts";
import { type CliContext, processContext } from "./context.ts";
import { renderHelp } from "./help.ts";
import { parseArgs } from "./parse-args.ts";
import { finishOutput, guardOutput } from "./ui/output.ts";

type SettingName = keyof typeof settings;

function variables(...names: readonly SettingName[]): EnvironmentVariable[] {
  return describeSettings(names).map(({ env, summary }) => ({ name: env, summary }));
}

const clientVariables = variables("host");
const forCommands = new Set<SettingName>(["editor", "noHistory", "hfHome", "hfHubCache"]);
const serverVariables = variables(...(Object.keys(settings) as SettingName[]).filter((name) => !forCommands.has(name)));

const signin = {
  summary: "Sign in to ollama.com",
  args: { exactly: 0 },
  flags: noFlags,
  load: () => import("./commands/signin.ts"),
} as const;

const signout = {
  ...signin,
  summary: "Sign out from ollama.com",
  load: () => import("./commands/signout.ts"),
} as const;

/** In the order of the help text. */
const commands: readonly Command<CliContext>[] = [
  defineCommand({
    name: "serve",
    aliases: ["start"],
    summary: "Start Ollama",
    args: { exactly: 0 },
    flags: noFlags,
    environment: serverVariables,
    load: () => import("./commands/serve.ts"),
  }),
  defineCommand({
    name: "create",
    summary: "Create a model",
    usage: "MODEL",
    args: { exactly: 1 },
    flags: createFlags,
    environment: clientVariables,
    load: () => import("./commands/create.ts"),
  }),
  defineCommand({
    name: "show",
    summary: "Show information for a model",
    usage: "MODEL",
    args: { exactly: 1 },
    flags: showFlags,
    exclusive: ["license", "modelfile", "parameters", "system", "template"],
    environment: clientVariables,
    load: () => import("./commands/show.ts"),
  }),
  defineCommand({
    name: "run",
    summary: "Run a model",
    usage: "MODEL [PROMPT]",
    args: { atLeast: 1 },
    flags: runFlags,
    environment: variables("editor", "host", "noHistory"),
    load: () => import("./commands/run.ts"),
  }),
  defineCommand({
    name: "stop",
    summary: "Stop a running model",
    usage: "MODEL",
    args: { exactly: 1 },
    flags: noFlags,
    environment: clientVariables,
    load: () => import("./commands/stop.ts"),
  }),
  defineCommand({
    name: "pull",
    summary: "Pull a model from a registry",
    usage: "MODEL",
    args: { exactly: 1 },
    flags: transferFlags,
    environment: clientVariables,
    load: () => import("./commands/pull.ts"),
  }),
  defineCommand({
    name: "push",
    summary: "Push a model to a registry",
    usage: "MODEL",
    args: { exactly: 1 },
    flags: transferFlags,
    environment: clientVariables,
    load: () => import("./commands/push.ts"),
  }),
  defineCommand({ ...signin, name: "signin" }),
  defineCommand({ ...signin, name: "login", hidden: true }),
  defineCommand({ ...signout, name: "signout" }),
  defineCommand({ ...signout, name: "logout", hidden: true }),
  defineCommand({
    name: "list",
    aliases: ["ls"],
    summary: "List models",
    args: "any",
    flags: noFlags,
    environment: clientVariables,
    load: () => import("./commands/list.ts"),
  }),
  defineCommand({
    name: "ps",
    summary: "List running models",
    args: "any",
    flags: noFlags,
    environment: clientVariables,
    load: () => import("./commands/ps.ts"),
  }),
  defineCommand({
    name: "cp",
    summary: "Copy a model",
    usage: "SOURCE DESTINATION",
    args: { exactly: 2 },
    flags: noFlags,
    environment: clientVariables,
    load: () => import("./commands/cp.ts"),
  }),
  defineCommand({
    name: "rm",
    summary: "Remove a model",
    usage: "MODEL [MODEL...]",
    args: { atLeast: 1 },
    flags: noFlags,
    environment: clientVariables,
    load: () => import("./commands/rm.ts"),
  }),
  defineCommand({
    name: "import",
    summary: "List and import models of other programs",
    usage: "[NAME [MODEL]]",
    args: "any",
    flags: importFlags,
    environment: variables("host", "hfHome", "hfHubCache"),
    load: () => import("./commands/import.ts"),
  }),
  defineCommand({
    name: "mv-models",
    summary: "Move the models to another directory",
    usage: "DIRECTORY",
    args: { exactly: 1 },
    flags: noFlags,
    environment: variables("host", "models"),
    load: () => import("./commands/mv-models.ts"),
  }),
];

export const commandTable: CommandTable<CliContext> = {
  root: defineCommand({
    name: "ollama",
    summary: "Large language model runner",
    args: "any",
    flags: rootFlags,
    load: () => import("./commands/root.ts"),
  }),
  commands,
};

/** These run whether or not a server answers, or look for one themselves. */
const needNoServer: ReadonlySet<string> = new Set(["ollama", "serve", "import", "mv-models"]);

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
    return context.stdout.write(renderHelp(commandTable, command));
  }
  // Loaded while the server answers.
  const loading = command.load();
  if (!needNoServer.has(command.name)) await context.client.heartbeat();
  await (await loading).run(input, context);
}
