// What removing this program from a machine takes away, and what it leaves: models and keys stay unless they are asked for.

import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Machine } from "./service.ts";
import { uninstallPlan, unitPath } from "./service.ts";
import type { Step } from "./step.ts";
import { SERVICE_HOME, SERVICE_USER } from "./units.ts";
import { previousDirectory } from "./upgrade.ts";

export interface Removal {
  readonly binary: string;
  /** undefined where no service manager is. */
  readonly machine: Machine | undefined;
  /** Libraries and verdicts that can be made again. */
  readonly cacheDir: string;
  /** `~/.ollama`, or the service's. */
  readonly dataDir: string;
  readonly modelsDir: string;
  readonly purge: boolean;
  /** The account that `service install` makes exists. */
  readonly hasServiceAccount: boolean;
}

export interface RemovalPlan {
  readonly steps: readonly Step[];
  /** Directories that stay, with something in them. */
  readonly kept: readonly string[];
}

export function removalPlan(removal: Removal): RemovalPlan {
  const { binary, machine, cacheDir, dataDir, modelsDir, purge, hasServiceAccount } = removal;
  const isSystem = machine?.kind === "systemd-system" || machine?.kind === "openrc";
  const kept = purge ? [] : [...new Set([modelsDir, dataDir])].filter(holdsFiles);
  const prefix = dirname(dirname(binary));
  const steps: Step[] = [
    ...(machine === undefined
      ? []
      : [...uninstallPlan(machine), { do: "remove", path: `${unitPath(machine)}.d` } as const]),
    ...(kept.includes(modelsDir) ? [] : modelSteps(modelsDir)),
    ...(kept.includes(dataDir) || kept.some((path) => path.startsWith(`${dataDir}/`)) ? [] : [remove(dataDir)]),
    remove(cacheDir),
    ...(isSystem ? systemSteps(hasServiceAccount, kept) : []),
    remove(previousDirectory(binary)),
    remove(join(prefix, "lib/ollama")),
    // Nearly last: without it nothing could be tried again.
    remove(binary),
    ...emptied(binary, machine, cacheDir).map((path): Step => ({ do: "remove-if-empty", path })),
  ];
  return { steps, kept };
}

/** Directories that installing may have made, innermost first; the system's own stay even when they are empty. */
function emptied(binary: string, machine: Machine | undefined, cacheDir: string): string[] {
  const prefix = dirname(dirname(binary));
  const systemd = machine?.kind === "systemd-user" ? join(machine.home, ".config/systemd") : undefined;
  return [
    ...(["/", "/usr", "/usr/local"].includes(prefix) ? [] : [join(prefix, "bin"), join(prefix, "lib"), prefix]),
    ...(machine?.kind === "systemd-system" ? [] : [dirname(cacheDir)]),
    ...(systemd === undefined ? [] : [join(systemd, "user/default.target.wants"), join(systemd, "user"), systemd]),
  ];
}

/** Only what is ours: the directory is the user's choice and may hold other things. */
function modelSteps(modelsDir: string): Step[] {
  return [
    ...["blobs", "manifests", "links", ...STORE_MARKS].map((name) => remove(join(modelsDir, name))),
    { do: "remove-if-empty", path: modelsDir },
  ];
}

function systemSteps(hasServiceAccount: boolean, kept: readonly string[]): Step[] {
  // The account owns what stays; a number without a name would be given to somebody else.
  if (kept.length > 0) return [];
  return [
    remove("/var/log/ollama.log"),
    remove(join(SERVICE_HOME, ".cache")),
    { do: "remove-if-empty", path: SERVICE_HOME },
    ...(hasServiceAccount ? [{ do: "run", command: ["userdel", SERVICE_USER] } as const] : []),
  ];
}

function remove(path: string): Step {
  return { do: "remove", path };
}

/** Files that the server makes in the models directory for itself (models/store.ts). */
const STORE_MARKS = [".lock", ".in-use"];

function holdsFiles(directory: string): boolean {
  try {
    return readdirSync(directory, { recursive: true, withFileTypes: true }).some(
      (entry) => !entry.isDirectory() && !STORE_MARKS.includes(entry.name),
    );
  } catch {
    return false;
  }
}
