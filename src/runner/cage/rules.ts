// What a runner or a job may still touch, as data: the files of its own model, and what its compute backends need on top;
// the files that a job reads and those that it makes.

import { readdirSync } from "node:fs";
import { basename } from "node:path";
import type { LoadRequest } from "../protocol.ts";
import type { PathRules } from "./landlock.ts";

export interface CageRules extends PathRules {
  /** System calls out of the refused ones that pass all the same. */
  readonly syscalls: readonly string[];
}

/** Read by libc, the runtime and ggml: time zones, memory, processors, own limits. Nothing of it is secret. */
const SYSTEM_FILES = [
  "/proc/self",
  "/proc/meminfo",
  "/proc/cpuinfo",
  "/proc/stat",
  "/proc/sys/vm/overcommit_memory",
  "/sys/devices/system",
  "/sys/fs/cgroup",
  "/sys/kernel/mm/transparent_hugepage",
  "/etc/localtime",
  "/usr/share/zoneinfo",
  "/dev/urandom",
];

/** Drivers load code on demand, compile kernels into a cache of their own, and talk to their devices. */
const DRIVER_FILES = ["/usr", "/lib", "/lib64", "/opt", "/etc", "/proc", "/sys", "/nix/store", "/run/opengl-driver"];

/** By the name in the backend's library (libggml-cuda.so → cuda); `devices` are names in /dev, which end as written. */
const BACKENDS: Readonly<Record<string, { readonly devices: RegExp; readonly syscalls: readonly string[] }>> = {
  cuda: { devices: /^(nvidia.*|nvhost.*|nvmap|dri|dxg)$/, syscalls: [] },
  hip: { devices: /^(kfd|dri|dxg)$/, syscalls: [] },
  vulkan: { devices: /^(dri|nvidia.*|kfd|mali\d*|dxg)$/, syscalls: [] },
};

export type CagedRequest = Pick<
  LoadRequest,
  "modelPath" | "adapters" | "draft" | "libraryDir" | "backendFiles" | "stateDir"
>;

export function cageRules(request: CagedRequest, deviceNames = namesIn("/dev")): CageRules {
  const backends = request.backendFiles.flatMap((file) => {
    const name = /ggml-([a-z]+)[.-]/.exec(basename(file))?.[1] ?? "";
    return BACKENDS[name] ?? [];
  });
  const nodes = deviceNames.filter((name) => backends.some(({ devices }) => devices.test(name)));
  const hasDriver = backends.length > 0;
  return {
    read: [
      request.modelPath,
      ...request.adapters.map(({ path }) => path),
      ...(request.draft === undefined ? [] : [request.draft.path]),
      request.libraryDir,
      ...SYSTEM_FILES,
      ...(hasDriver ? DRIVER_FILES : []),
    ],
    write: [...(request.stateDir === undefined ? [] : [request.stateDir]), ...(hasDriver ? ["/dev/shm"] : [])],
    devices: ["/dev/null", ...nodes.map((name) => `/dev/${name}`)],
    syscalls: backends.flatMap(({ syscalls }) => syscalls),
  };
}

/** What one job works on. The outputs are there, if only empty, before the rules hold: a rule needs a file. */
export interface JobFiles {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export function jobRules({ inputs, outputs }: JobFiles): CageRules {
  return { read: [...inputs, ...SYSTEM_FILES], write: outputs, devices: ["/dev/null"], syscalls: [] };
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
