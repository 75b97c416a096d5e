// Checks of where models are kept: permissions, free space, and what kind of disk it is. Nothing is written.

import { accessSync, constants, existsSync, statfsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { humanBytes } from "../../base/bytes.ts";
import { type Mount, mountOf } from "../../base/mounts.ts";
import type { Finding } from "./finding.ts";

const LOW_BYTES = 10e9;
const FULL_BYTES = 1e9;

/** `served` is the running server's directory: where it is another, its permissions are a matter of that server's account. */
export function placeFindings(own: string, served = own): Finding[] {
  const modelsDir = served;
  return [
    served === own
      ? judgeModelsDir(own, modelsDirFacts(own))
      : { check: "models directory", level: "ok", summary: `${served}, says the server (of this account: ${own})` },
    judgeDisk(modelsDir, freeBytes(modelsDir)),
    ...judgeMount(modelsDir, mountOf(existingParent(modelsDir))),
  ];
}

export interface DirectoryFacts {
  readonly kind: "absent" | "directory" | "other";
  /** The first folder on the way to it that may not be entered. */
  readonly closedParent?: string | undefined;
  /** What in it may not be read or written; the folder itself, its blobs or its manifests. */
  readonly unreadable?: string | undefined;
  readonly unwritable?: string | undefined;
}

/** Run as the user who asks; the server may run as another, whose rights are its own. */
export function modelsDirFacts(directory: string): DirectoryFacts {
  for (const parent of parentsOf(directory)) {
    if (existsSync(parent) && !may(parent, constants.X_OK)) return { kind: "absent", closedParent: parent };
  }
  if (!existsSync(directory)) {
    const parent = existingParent(directory);
    return { kind: "absent", unwritable: may(parent, constants.W_OK) ? undefined : parent };
  }
  if (!statSync(directory).isDirectory()) return { kind: "other" };
  const parts = [directory, join(directory, "blobs"), join(directory, "manifests")].filter((path) => existsSync(path));
  return {
    kind: "directory",
    unreadable: parts.find((path) => !may(path, constants.R_OK | constants.X_OK)),
    unwritable: parts.find((path) => !may(path, constants.W_OK)),
  };
}

export function judgeModelsDir(directory: string, facts: DirectoryFacts): Finding {
  const check = "models directory";
  const problem = (summary: string, advice: string): Finding => ({ check, level: "problem", summary, advice });
  if (facts.closedParent !== undefined) {
    return problem(
      `${directory} cannot be reached: ${facts.closedParent} may not be entered`,
      `Allow it with chmod o+x '${facts.closedParent}', or set OLLAMA_MODELS to another folder.`,
    );
  }
  switch (facts.kind) {
    case "other":
      return problem(`${directory} is not a folder`, "Set OLLAMA_MODELS to a folder.");
    case "absent":
      if (facts.unwritable === undefined) {
        return { check, level: "ok", summary: `${directory} does not exist yet; it is made when it is needed` };
      }
      return problem(
        `${directory} does not exist and cannot be made in ${facts.unwritable}`,
        "Make it as a user who may, or set OLLAMA_MODELS to another folder.",
      );
    case "directory": {
      if (facts.unreadable !== undefined) return problem(`${facts.unreadable} may not be read`, ownIt(directory));
      if (facts.unwritable === undefined) return { check, level: "ok", summary: directory };
      const summary = `${facts.unwritable} may not be written by this user`;
      return {
        check,
        level: "warning",
        summary,
        advice: `Right if a service of another user keeps it. ${ownIt(directory)}`,
      };
    }
    default:
      return facts.kind satisfies never;
  }
}

function ownIt(directory: string): string {
  return `Else: sudo chown -R "$(id -un)" '${directory}', or set OLLAMA_MODELS to another folder.`;
}

export function judgeDisk(directory: string, bytes: number | undefined): Finding {
  const check = "disk";
  if (bytes === undefined) return { check, level: "note", summary: `free space at ${directory} is unknown` };
  const summary = `${humanBytes(bytes)} free for models`;
  if (bytes >= LOW_BYTES) return { check, level: "ok", summary };
  return {
    check,
    level: bytes < FULL_BYTES ? "problem" : "warning",
    summary,
    advice: "Remove models ('ollama list', 'ollama rm MODEL') or set OLLAMA_MODELS to a folder on a larger disk.",
  };
}

/** Network and pass-through file systems: models are read whole and mapped into memory, which is slow there. */
const SLOW: Readonly<Record<string, string>> = {
  "9p": "a Windows drive seen from WSL",
  drvfs: "a Windows drive seen from WSL",
  virtiofs: "a shared folder of a virtual machine",
  nfs: "a network drive",
  nfs4: "a network drive",
  cifs: "a network drive",
  smb3: "a network drive",
  "fuse.sshfs": "a network drive",
};

export function judgeMount(directory: string, mount: Mount | undefined): Finding[] {
  const what = mount === undefined ? undefined : SLOW[mount.type];
  if (mount === undefined || what === undefined) return [];
  return [
    {
      check: "models drive",
      level: "warning",
      summary: `${directory} lies on ${what} (${mount.type} at ${mount.point}): models load slowly from there`,
      advice:
        "Set OLLAMA_MODELS to a folder on a disk of this system, such as ~/.ollama/models, and move the models there.",
    },
  ];
}

function parentsOf(path: string): string[] {
  const parents: string[] = [];
  for (let at = dirname(path); ; at = dirname(at)) {
    parents.unshift(at);
    if (at === dirname(at)) return parents;
  }
}

function existingParent(path: string): string {
  let at = path;
  while (!existsSync(at) && at !== dirname(at)) at = dirname(at);
  return at;
}

function freeBytes(path: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(existingParent(path));
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
