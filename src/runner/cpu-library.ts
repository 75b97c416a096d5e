// Chooses the CPU library. ggml scores each by the CPU's flags; but a CPU can advertise what it cannot run, so the winner
// is proved by a short run in a child before it is trusted, and the verdict is remembered per CPU and library set.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic-file.ts";
import { AppError } from "../base/errors.ts";
import { logDebug, logWarn } from "../base/log.ts";
import { runRole } from "./self.ts";

const PROOF_TIMEOUT_MS = 20_000;

/** Path of the library to load; undefined where there is nothing to choose (one CPU library, found by ggml itself). */
export async function chooseCpuLibrary(directory: string, cacheDir: string): Promise<string | undefined> {
  const names = (await readdir(directory)).filter((name) => /^(lib)?ggml-cpu-.+\.(so|dylib|dll)$/.test(name)).sort();
  if (names.length < 2) return undefined;
  const verdictPath = join(cacheDir, "cpu-library.json");
  const key = verdictKey(directory, names);
  const remembered = rememberedVerdict(verdictPath, key);
  if (remembered !== undefined && names.includes(remembered)) return join(directory, remembered);
  const chosen = await prove(directory, names);
  await writeFileAtomic(verdictPath, JSON.stringify({ key, library: chosen }), { directoryMode: 0o700 }).catch(
    (error: unknown) => {
      logDebug("cannot remember the CPU library", { error: String(error) });
    },
  );
  return join(directory, chosen);
}

function verdictKey(directory: string, names: readonly string[]): string {
  const flags = ((): string => {
    try {
      return /^flags\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "";
    } catch {
      return "";
    }
  })();
  return createHash("sha256")
    .update([directory, cpus()[0]?.model ?? "", flags, ...names].join("\n"))
    .digest("hex");
}

function rememberedVerdict(path: string, key: string): string | undefined {
  try {
    const verdict: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof verdict !== "object" || verdict === null || !("key" in verdict) || !("library" in verdict))
      return undefined;
    return verdict.key === key && typeof verdict.library === "string" ? verdict.library : undefined;
  } catch {
    return undefined;
  }
}

/** Tries libraries from the best score down until one survives its run. */
async function prove(directory: string, names: readonly string[]): Promise<string> {
  const scores = await scoreLibraries(directory, names);
  const ranked = scores.filter(({ score }) => score > 0).sort((a, b) => b.score - a.score);
  for (const { name } of ranked) {
    const problem = await runProof(directory, name);
    if (problem === undefined) return name;
    logWarn("a CPU library fails on this processor; trying the next", { library: name, problem });
  }
  throw new AppError(
    "internal",
    "none of the CPU libraries works on this processor; please report it with the output of `ollama doctor`",
  );
}

async function scoreLibraries(directory: string, names: readonly string[]): Promise<{ name: string; score: number }[]> {
  const { output, problem } = await runRole(["score-libraries", directory, ...names], PROOF_TIMEOUT_MS);
  if (problem !== undefined) throw new AppError("internal", `the inference libraries cannot be loaded: ${problem}`);
  const parsed: unknown = JSON.parse(output);
  if (!Array.isArray(parsed)) throw new AppError("internal", "the inference libraries cannot be loaded");
  return names.map((name, i) => ({ name, score: Number(parsed[i] ?? 0) }));
}

async function runProof(directory: string, name: string): Promise<string | undefined> {
  return (await runRole(["prove-library", directory, name], PROOF_TIMEOUT_MS)).problem;
}
