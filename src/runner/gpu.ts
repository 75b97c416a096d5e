// What there is to compute on besides the CPU, and why a GPU that the system has is not used: asked once per server, in a
// child, because loading a driver can hang or crash.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { DeviceFacts } from "./llama/devices.ts";
import { runRole } from "./self.ts";

/** Drivers may take long to wake a sleeping GPU. */
const PROBE_TIMEOUT_MS = 30_000;

export interface GpuProbe {
  readonly devices: readonly DeviceFacts[];
  /** Libraries that could not be loaded, and what the loader said. */
  readonly failures: readonly { readonly library: string; readonly reason: string }[];
}

/** Never throws: a probe that dies is a failure of the libraries it was to load. */
export async function probeGpus(directory: string, libraries: readonly string[]): Promise<GpuProbe> {
  if (libraries.length === 0) return { devices: [], failures: [] };
  const { output, problem } = await runRole(["list-devices", directory, ...libraries], PROBE_TIMEOUT_MS);
  if (problem === undefined) return JSON.parse(output) as GpuProbe;
  const reason = `looking for GPUs failed: ${problem}`;
  return { devices: [], failures: libraries.map((library) => ({ library, reason })) };
}

export interface SeenGpu {
  readonly vendor: "NVIDIA" | "AMD" | "Intel" | "Windows";
  readonly description: string;
}

const VENDORS: Readonly<Record<string, SeenGpu["vendor"]>> = { "0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel" };

/**
 * Display and 3D controllers on the PCI bus, and in WSL what Windows lends (Linux; elsewhere nothing is seen). `root` is injectable
 * for tests.
 */
export function seenGpus(root = "/"): SeenGpu[] {
  const lent: SeenGpu[] = existsSync(join(root, "dev/dxg"))
    ? [{ vendor: "Windows", description: "a GPU of Windows (/dev/dxg)" }]
    : [];
  return [...lent, ...onTheBus(root)];
}

function onTheBus(root: string): SeenGpu[] {
  const bus = join(root, "sys/bus/pci/devices");
  const read = (slot: string, file: string): string => {
    try {
      return readFileSync(join(bus, slot, file), "utf8").trim();
    } catch {
      return "";
    }
  };
  let slots: string[];
  try {
    slots = readdirSync(bus).sort();
  } catch {
    return [];
  }
  return slots.flatMap((slot) => {
    const vendor = VENDORS[read(slot, "vendor")];
    if (vendor === undefined || !read(slot, "class").startsWith("0x03")) return [];
    return [{ vendor, description: `${vendor} GPU ${read(slot, "device")} at ${slot}` }];
  });
}

/** One sentence for each reason why a GPU that is there stays unused. */
export function unusedGpus(seen: readonly SeenGpu[], probe: GpuProbe, libraries: readonly string[]): string[] {
  const found = probe.devices.some(({ kind }) => kind === "gpu" || kind === "igpu");
  const failures = probe.failures.map(({ library, reason }) => `${basename(library)} did not load: ${reason}`);
  if (found || seen.length === 0) return failures;
  const names = seen.map(({ description }) => description).join(", ");
  if (libraries.length === 0) {
    const variant = seen.some(({ vendor }) => vendor === "NVIDIA" || vendor === "Windows") ? "CUDA" : "Vulkan";
    return [`${names} is here, but this build computes on the CPU only; install the ${variant} variant to use it`];
  }
  if (failures.length > 0) return failures.map((failure) => `${names} is not used: ${failure}`);
  return [`${names} is here, but its driver shows no device; check that the driver is installed and runs`];
}
