// `ollama service install|uninstall|status|logs`: this program as a service of the machine.

import { dirname } from "node:path";
import { AppError } from "../../base/errors.ts";
import {
  findMachine,
  installPlan,
  logsCommand,
  type Machine,
  readExisting,
  statusCommand,
  uninstallPlan,
  unitPath,
} from "../../install/service.ts";
import { exists, handOver, perform } from "../../install/step.ts";
import { TARGET } from "../../version.ts";
import type { Invocation } from "../command.ts";
import type { serviceFlags } from "../command-flags.ts";
import type { CliContext } from "../context.ts";

const DEFAULT_LINES = 200;

export interface ScopeFlags {
  readonly system: boolean;
  readonly user: boolean;
}

/** The manager of services that the flags mean on this machine. */
export function thisMachine({ system, user }: ScopeFlags, { config }: CliContext): Machine {
  const uid = process.getuid?.() ?? -1;
  return findMachine({
    platform: process.platform,
    uid,
    home: dirname(config.homeDir),
    scope: system || (uid === 0 && !user) ? "system" : "user",
    root: "/",
  });
}

export async function run({ args, flags }: Invocation<typeof serviceFlags>, context: CliContext): Promise<void> {
  const [action = ""] = args;
  switch (action) {
    case "install":
      return install(thisMachine(flags, context), !flags["no-start"], context);
    case "uninstall":
      return uninstall(thisMachine(flags, context), context);
    case "status":
      return show(statusCommand(await managed(flags, context)));
    case "logs":
      return show(
        logsCommand(await managed(flags, context), flags.lines > 0 ? flags.lines : DEFAULT_LINES, flags.follow),
      );
    default:
      throw new AppError("invalid", `unknown action "${action}": it is one of install, uninstall, status and logs`);
  }
}

/** A machine whose manager can be asked about the service: its own commands say nothing useful without one. */
async function managed(flags: ScopeFlags, context: CliContext): Promise<Machine> {
  const machine = thisMachine(flags, context);
  const path = unitPath(machine);
  if (!(await exists(path)))
    throw new AppError("not-found", `there is no service: ${path} does not exist; 'ollama service install' makes it`);
  if (!machine.live) throw new AppError("unsupported", `${notRunning(machine)}; start the server with 'ollama serve'`);
  return machine;
}

function notRunning({ kind }: Machine): string {
  switch (kind) {
    case "systemd-system":
      return "systemd does not run on this machine";
    case "systemd-user":
      return "systemd does not run for this user";
    case "openrc":
      return "OpenRC does not run on this machine";
    case "launchd":
      return "launchd does not run on this machine";
    default:
      return kind satisfies never;
  }
}

async function install(machine: Machine, start: boolean, { stdout }: CliContext): Promise<void> {
  if (TARGET === "")
    throw new AppError("unsupported", "this runs from its source; `npm run build` makes the program to install");
  await perform(installPlan(machine, readExisting(machine), { binary: process.execPath, start }));
  stdout.write(`installed the service: ${unitPath(machine)}\n`);
  if (!machine.live) {
    stdout.write(`${notRunning(machine)}, so the service starts when it does; until then: ollama serve\n`);
  }
  if (machine.live && machine.kind === "systemd-user")
    stdout.write("it runs while you are logged in; to keep it running: loginctl enable-linger\n");
}

async function uninstall(machine: Machine, { stdout }: CliContext): Promise<void> {
  if (!(await exists(unitPath(machine))))
    throw new AppError("not-found", `there is no service to remove: ${unitPath(machine)} does not exist`);
  await perform(uninstallPlan(machine));
  stdout.write(`removed the service: ${unitPath(machine)}\n`);
}

async function show(command: readonly string[]): Promise<void> {
  // Its own exit code means something to scripts (systemctl: 3 is "not running"), and it has said why.
  const code = await handOver(command);
  if (code !== 0) process.exit(code);
}
