// `ollama uninstall`: removes the service and this executable. Models stay unless --purge.

import { join } from "node:path";
import { AppError } from "../../base/errors.ts";
import { type Machine, readExisting } from "../../install/service.ts";
import { exists, perform } from "../../install/step.ts";
import { type Removal, removalPlan } from "../../install/uninstall.ts";
import { environmentValue, readUnit, SERVICE_HOME, SERVICE_USER } from "../../install/units.ts";
import { TARGET } from "../../version.ts";
import type { Invocation } from "../command.ts";
import type { uninstallFlags } from "../command-flags.ts";
import type { CliContext } from "../context.ts";
import { thisMachine } from "./service.ts";

export async function run({ flags }: Invocation<typeof uninstallFlags>, context: CliContext): Promise<void> {
  const { stdout, stderr, stdin } = context;
  if (TARGET === "") throw new AppError("unsupported", "this runs from its source; there is nothing to uninstall");
  const plan = removalPlan(removalOf(machineIfAny(flags, context), flags.purge, context));
  for (const step of plan.steps) {
    if (step.do === "remove" && (await exists(step.path))) stderr.write(`will remove ${step.path}\n`);
  }
  for (const path of plan.kept) stderr.write(`will keep ${path} (--purge removes it)\n`);
  if (!flags.yes) {
    if (!stdin.isTerminal) throw new AppError("invalid", "say --yes to remove these without being asked");
    stderr.write("Go on? [y/N] ");
    if (!/^y(es)?$/i.test(await readLine())) throw new AppError("canceled", "nothing was removed");
  }
  await perform(plan.steps);
  stdout.write("removed Ollama from this machine\n");
}

function machineIfAny(flags: { system: boolean; user: boolean }, context: CliContext): Machine | undefined {
  try {
    return thisMachine(flags, context);
  } catch (error) {
    if (error instanceof AppError && error.fault === "unsupported") return undefined;
    throw error;
  }
}

function removalOf(machine: Machine | undefined, purge: boolean, { config }: CliContext): Removal {
  const shared = { binary: process.execPath, machine, purge };
  if (machine?.kind !== "systemd-system" && machine?.kind !== "openrc")
    return {
      ...shared,
      cacheDir: config.cacheDir,
      dataDir: config.homeDir,
      modelsDir: config.modelsDir,
      hasServiceAccount: false,
    };
  const existing = readExisting(machine);
  const lines = [...readUnit(existing.unit).environment, ...existing.dropIns];
  return {
    ...shared,
    cacheDir: join(SERVICE_HOME, ".cache/ollama"),
    dataDir: join(SERVICE_HOME, ".ollama"),
    modelsDir: environmentValue(lines, "OLLAMA_MODELS") || join(SERVICE_HOME, ".ollama/models"),
    hasServiceAccount: existing.homes.has(SERVICE_USER),
  };
}

async function readLine(): Promise<string> {
  for await (const line of console) return line.trim();
  return "";
}
