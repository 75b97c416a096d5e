// Checks of what the program lives in: the system's service, and Windows' subsystem for Linux.

import { readFileSync } from "node:fs";
import { humanBinaryBytes } from "../../base/bytes.ts";
import { memoryState } from "../../base/memory.ts";
import type { Finding } from "./finding.ts";

const TIMEOUT_MS = 3000;

export async function surroundingFindings(): Promise<Finding[]> {
  const kernel = readText("/proc/sys/kernel/osrelease") ?? "";
  return [judgeService(await serviceState()), ...judgeWsl(kernel, memoryState().totalBytes)];
}

/** What systemd says of ollama.service: of the system, else of the user. */
export interface ServiceState {
  readonly scope: "system" | "user";
  readonly load: string;
  readonly active: string;
  readonly enabled: string;
  /** How the last run ended, "success" unless it failed. */
  readonly result: string;
}

async function serviceState(): Promise<ServiceState | undefined> {
  for (const scope of ["system", "user"] as const) {
    const state = parseServiceState(scope, await systemctl(scope));
    if (state !== undefined && state.load !== "not-found") return state;
  }
  return undefined;
}

export function parseServiceState(scope: ServiceState["scope"], output: string): ServiceState | undefined {
  const value = (name: string): string => new RegExp(`^${name}=(.*)$`, "m").exec(output)?.[1] ?? "";
  if (value("LoadState") === "") return undefined;
  const [load, active, enabled] = [value("LoadState"), value("ActiveState"), value("UnitFileState")];
  return { scope, load, active, enabled, result: value("Result") };
}

/** "" where there is no systemd, or it does not run. */
async function systemctl(scope: "system" | "user"): Promise<string> {
  const properties = "LoadState,ActiveState,UnitFileState,Result";
  const command = ["systemctl", `--${scope}`, "show", "ollama.service", `--property=${properties}`];
  try {
    const child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "ignore", timeout: TIMEOUT_MS });
    const output = await new Response(child.stdout).text();
    return (await child.exited) === 0 ? output : "";
  } catch {
    return "";
  }
}

export function judgeService(state: ServiceState | undefined): Finding {
  const check = "service";
  if (state === undefined)
    return { check, level: "note", summary: "not installed; the server runs while 'ollama serve' does" };
  const user = state.scope === "user" ? "--user " : "";
  const sudo = state.scope === "user" ? "" : "sudo ";
  const words = `ollama.service of the ${state.scope} is ${state.active}, ${state.enabled || "not installed to start"}`;
  const log = `journalctl ${user}-u ollama -e`;
  if (state.load !== "loaded") {
    const advice = `Look at systemctl ${user}status ollama, and install the service again.`;
    return { check, level: "problem", summary: `ollama.service of the ${state.scope} is ${state.load}`, advice };
  }
  if (state.active === "failed" || (state.result !== "success" && state.result !== "")) {
    const advice = `See why with ${log}, then ${sudo}systemctl ${user}restart ollama.`;
    return { check, level: "problem", summary: `${words} (${state.result})`, advice };
  }
  if (state.active === "active" || state.active === "activating") return { check, level: "ok", summary: words };
  return { check, level: "note", summary: words, advice: `Start it with ${sudo}systemctl ${user}start ollama.` };
}

/** `kernel` is the kernel's release: "5.15.153.1-microsoft-standard-WSL2", "4.4.0-19041-Microsoft". */
export function judgeWsl(kernel: string, totalBytes: number): Finding[] {
  if (!/microsoft/i.test(kernel)) return [];
  const check = "wsl";
  if (!/wsl2|microsoft-standard/i.test(kernel)) {
    const advice = "Convert it in PowerShell: wsl --set-version DISTRIBUTION 2";
    return [
      { check, level: "problem", summary: `this is WSL 1 (kernel ${kernel}), on which models cannot run well`, advice },
    ];
  }
  const summary = `WSL 2 (kernel ${kernel}), with ${humanBinaryBytes(totalBytes)} of the machine's memory`;
  const advice =
    "Half of the memory is the default; give it more with memory=… under [wsl2] in Windows' %UserProfile%\\.wslconfig.";
  return [{ check, level: "note", summary, advice }];
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}
