// The command table. A command's code is loaded when it is known to run; nothing here is heavy.

import { describeSettings, settings } from "../config.ts";
import {
  createFlags,
  doctorFlags,
  importFlags,
  keyFlags,
  launchFlags,
  noFlags,
  remoteFlags,
  rootFlags,
  runFlags,
  serviceFlags,
  showFlags,
  transferFlags,
  uninstallFlags,
  upgradeFlags,
} from "./command-flags.ts";
import { type Command, type CommandTable, defineCommand, type EnvironmentVariable } from "./command.ts";
import type { CliContext } from "./context.ts";

type SettingName = keyof typeof settings;

function variables(...names: readonly SettingName[]): EnvironmentVariable[] {
  return describeSettings(names).map(({ env, summary }) => ({ name: env, summary }));
}

const clientVariables = variables("host", "apiKey");
const forCommands = new Set<SettingName>(["apiKey", "downloadUrl", "editor", "noHistory", "hfHome", "hfHubCache"]);
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
    completes: "models",
    load: () => import("./commands/show.ts"),
  }),
  defineCommand({
    name: "run",
    summary: "Run a model",
    usage: "MODEL [PROMPT]",
    args: { atLeast: 1 },
    flags: runFlags,
    environment: variables("editor", "host", "apiKey", "noHistory"),
    completes: "models",
    load: () => import("./commands/run.ts"),
  }),
  defineCommand({
    name: "stop",
    summary: "Stop a running model",
    usage: "MODEL",
    args: { exactly: 1 },
    flags: noFlags,
    environment: clientVariables,
    completes: "models",
    load: () => import("./commands/stop.ts"),
  }),
  defineCommand({
    name: "pull",
    summary: "Pull a model from a registry",
    usage: "MODEL",
    args: { exactly: 1 },
    flags: transferFlags,
    environment: clientVariables,
    completes: "models",
    load: () => import("./commands/pull.ts"),
  }),
  defineCommand({
    name: "push",
    summary: "Push a model to a registry",
    usage: "MODEL",
    args: { exactly: 1 },
    flags: transferFlags,
    environment: clientVariables,
    completes: "models",
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
    completes: "models",
    load: () => import("./commands/cp.ts"),
  }),
  defineCommand({
    name: "rm",
    summary: "Remove a model",
    usage: "MODEL [MODEL...]",
    args: { atLeast: 1 },
    flags: noFlags,
    environment: clientVariables,
    completes: "models",
    load: () => import("./commands/rm.ts"),
  }),
  defineCommand({
    name: "launch",
    summary: "Launch the Ollama menu or an integration",
    usage: "[INTEGRATION] [-- [EXTRA_ARGS...]]",
    args: "any",
    flags: launchFlags,
    environment: clientVariables,
    completes: ["claude", "opencode", "codex", "copilot", "cline", "droid", "pi", "qwen", "goose"],
    load: () => import("./commands/launch.ts"),
  }),
  // From here on: what Ollama does not have.
  defineCommand({
    name: "doctor",
    summary: "Check this machine and say what to do",
    args: { exactly: 0 },
    flags: doctorFlags,
    environment: variables("host", "models"),
    load: () => import("./commands/doctor.ts"),
  }),
  defineCommand({
    name: "completion",
    summary: "Print a completion script for a shell",
    usage: "bash|zsh|fish",
    args: { exactly: 1 },
    flags: noFlags,
    completes: ["bash", "zsh", "fish"],
    load: () => import("./commands/completion.ts"),
  }),
  defineCommand({
    name: "key",
    summary: "Create, list and revoke API keys",
    usage: "create [NAME] | list | revoke NAME...",
    args: { atLeast: 1 },
    flags: keyFlags,
    environment: clientVariables,
    load: () => import("./commands/key.ts"),
  }),
  defineCommand({
    name: "usage",
    summary: "Show what API keys have used",
    args: { exactly: 0 },
    flags: noFlags,
    environment: clientVariables,
    load: () => import("./commands/usage.ts"),
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
  defineCommand({
    name: "remote",
    summary: "Allow, list or forget hosts that serve models",
    usage: "allow HOST | list | forget HOST",
    args: { atLeast: 1 },
    flags: remoteFlags,
    environment: variables("remoteKeys", "remotes"),
    load: () => import("./commands/remote.ts"),
  }),
  defineCommand({
    name: "service",
    summary: "Run Ollama as a service of this machine",
    usage: "install|uninstall|status|logs",
    args: { exactly: 1 },
    flags: serviceFlags,
    exclusive: ["system", "user"],
    load: () => import("./commands/service.ts"),
  }),
  defineCommand({
    name: "upgrade",
    summary: "Replace this program with a newer release",
    args: { exactly: 0 },
    flags: upgradeFlags,
    environment: variables("downloadUrl"),
    load: () => import("./commands/upgrade.ts"),
  }),
  defineCommand({
    name: "uninstall",
    summary: "Remove this program from this machine",
    args: { exactly: 0 },
    flags: uninstallFlags,
    exclusive: ["system", "user"],
    load: () => import("./commands/uninstall.ts"),
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
