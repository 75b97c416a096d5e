// Puts the llama.cpp libraries where they can be loaded, and finds the CPU library that really works here. Done once per
// server; the result is remembered on disk.

import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, rename, rm, stat } from "node:fs/promises";
import { existsSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { humanBytes } from "../base/bytes.ts";
import { AppError } from "../base/errors.ts";
import { logDebug, logInfo, logWarn } from "../base/log.ts";
import { COMMIT, VERSION } from "../version.ts";
import { type EmbeddedFile, embeddedFiles } from "./embedded.ts";
import { chooseCpuLibrary } from "./cpu-library.ts";
import { markInUse, removeUnused } from "./library-folders.ts";
import { probeGpus, seenGpus, unusedGpus } from "./gpu.ts";
import type { DeviceFacts } from "./llama/devices.ts";

export interface NativeLibraries {
  readonly directory: string;
  /** Backend libraries to load, best CPU library last; empty where the platform's package has only one. */
  readonly backendFiles: readonly string[];
  readonly gpus: readonly DeviceFacts[];
  /** Why a GPU that is there is not used, a sentence each. */
  readonly gpuProblems: readonly string[];
}

/**
 * The libraries, prepared once and again when that failed or when somebody removed them meanwhile: a full disk or an eager
 * clean-up of caches must not need a restart.
 */
export class LibraryShelf {
  #prepared: Promise<NativeLibraries> | undefined;

  /** `wanted` is OLLAMA_LLM_LIBRARY. */
  constructor(
    private readonly cacheDir: string,
    private readonly wanted = "",
  ) {}

  async get(): Promise<NativeLibraries> {
    const before = this.#prepared;
    const known = await before?.catch(() => undefined);
    const isUsable = known !== undefined && isThere(known);
    // Of several that ask at once, the first prepares.
    if (this.#prepared === undefined || (!isUsable && this.#prepared === before)) {
      this.#prepared = prepareLibraries(this.cacheDir, this.wanted);
    }
    return this.#prepared;
  }

  /** Removes the libraries of versions that this one has replaced and no server uses. */
  async tidy(): Promise<void> {
    const files = embeddedFiles();
    if (files.length > 0) await removeUnused(join(this.cacheDir, "lib"), contentId(files));
  }
}

function isThere({ directory, backendFiles }: NativeLibraries): boolean {
  const names = embeddedFiles().map(({ name }) => join(directory, name));
  return existsSync(directory) && [...names, ...backendFiles].every((path) => existsSync(path));
}

/** `wanted` is OLLAMA_LLM_LIBRARY. Throws `internal` naming every directory tried and why it could not be used. */
export async function prepareLibraries(cacheDir: string, wanted = ""): Promise<NativeLibraries> {
  const startedMs = performance.now();
  const isPacked = embeddedFiles().length > 0;
  const directory = isPacked ? await unpack(cacheDir, embeddedFiles()) : checkoutDirectory();
  if (isPacked) await markInUse(directory);
  const gpuFiles = gpuLibraries(directory, wanted);
  const [cpu, probe] = await Promise.all([chooseCpuLibrary(directory, cacheDir), probeGpus(directory, gpuFiles)]);
  const usable = gpuFiles.filter((file) => probe.failures.every(({ library }) => library !== file));
  const gpus = probe.devices.filter(({ kind }) => kind === "gpu" || kind === "igpu");
  const gpuProblems = wanted.startsWith("cpu") ? [] : unusedGpus(seenGpus(), probe, gpuFiles);
  for (const problem of gpuProblems) logWarn(problem);
  logInfo("inference libraries ready", {
    directory,
    cpu: cpu ?? "default",
    gpus: gpus
      .map(({ name, description, freeBytes }) => `${name} ${description}, ${humanBytes(freeBytes)} free`)
      .join("; "),
    ms: Math.round(performance.now() - startedMs),
  });
  return { directory, backendFiles: cpu === undefined ? [] : [...usable, cpu], gpus, gpuProblems };
}

/** The package's GPU libraries; `wanted` (OLLAMA_LLM_LIBRARY: "cpu", "cuda_v12", "vulkan") leaves only those of its kind. */
function gpuLibraries(directory: string, wanted: string): string[] {
  const [kind = ""] = wanted.split("_");
  return readdirSync(directory)
    .filter((name) => /^(lib)?ggml-(cuda|vulkan|metal|hip)\./.test(name))
    .filter((name) => kind === "" || name.includes(`ggml-${kind}.`))
    .sort()
    .map((name) => join(directory, name));
}

/** Where npm put the platform package's libraries. */
function checkoutDirectory(): string {
  const os = process.platform === "darwin" ? "mac" : process.platform === "win32" ? "win" : "linux";
  const name = os === "mac" && process.arch === "arm64" ? "mac-arm64-metal" : `${os}-${process.arch}`;
  const directory = join(import.meta.dir, "../../node_modules/@node-llama-cpp", name, "bins", name);
  if (!existsSync(directory)) throw new AppError("internal", `no inference libraries for ${name}; run npm install`);
  return directory;
}

function contentId(files: readonly EmbeddedFile[]): string {
  const hash = createHash("sha256");
  for (const { name, sha256 } of files) hash.update(`${name} ${sha256}\n`);
  return `${VERSION}-${COMMIT.slice(0, 7)}-${hash.digest("hex").slice(0, 12)}`;
}

/** Directories to try, best first: caches survive, temporary directories do not. */
function candidates(cacheDir: string): string[] {
  const user = process.getuid?.() ?? "user";
  return [
    join(cacheDir, "lib"),
    join(tmpdir(), `ollama-${user}`, "lib"),
    join("/var/tmp", `ollama-${user}`, "lib"),
    join("/dev/shm", `ollama-${user}`, "lib"),
  ];
}

async function unpack(cacheDir: string, files: readonly EmbeddedFile[]): Promise<string> {
  const refusals: string[] = [];
  for (const parent of candidates(cacheDir)) {
    try {
      const directory = join(parent, contentId(files));
      await unpackInto(directory, files);
      await mustBeExecutable(directory, files);
      return directory;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      refusals.push(`${parent}: ${why}`);
      logDebug("cannot unpack libraries", { parent, why });
    }
  }
  throw new AppError(
    "internal",
    `no directory can hold the inference libraries; set XDG_CACHE_HOME to a writable one that allows execution (${refusals.join("; ")})`,
  );
}

/** Whole or not at all: unpacked beside its place, then renamed into it. Two first starts at once both succeed. */
async function unpackInto(directory: string, files: readonly EmbeddedFile[]): Promise<void> {
  if (await isIntact(directory, files)) return;
  const parent = dirname(directory);
  await mkdir(parent, { recursive: true, mode: 0o700 });
  // Also what `parent` stands in: below a shared temporary directory another user could have made it first.
  for (const path of [dirname(parent), parent]) await mustBePrivate(path);
  const temporary = await mkdtemp(join(parent, ".unpack-"));
  try {
    for (const file of files) {
      const bytes = new Uint8Array(await Bun.file(file.path).arrayBuffer());
      if (createHash("sha256").update(bytes).digest("hex") !== file.sha256) {
        throw new Error(`${file.name} inside this binary is damaged; download it again`);
      }
      await Bun.write(join(temporary, file.name), bytes);
      await chmod(join(temporary, file.name), 0o500);
    }
    await moveIntoPlace(temporary, directory, files);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** What another process has put there meanwhile stays, for it may be loading it; only what is damaged makes way. */
async function moveIntoPlace(temporary: string, directory: string, files: readonly EmbeddedFile[]): Promise<void> {
  try {
    await rename(temporary, directory);
  } catch {
    if (await isIntact(directory, files)) return;
    const damaged = `${temporary}.damaged`;
    await rename(directory, damaged).catch(() => {});
    await rm(damaged, { recursive: true, force: true });
    await rename(temporary, directory).catch(async (error: unknown) => {
      if (!(await isIntact(directory, files))) throw error;
    });
  }
}

/** Nobody else may write where we load code from. */
async function mustBePrivate(directory: string): Promise<void> {
  const facts = await stat(directory);
  const mine = process.getuid === undefined || facts.uid === process.getuid();
  if (!mine) throw new Error("it belongs to another user");
  if ((facts.mode & 0o022) !== 0) await chmod(directory, 0o700);
}

async function isIntact(directory: string, files: readonly EmbeddedFile[]): Promise<boolean> {
  try {
    await mustBePrivate(directory);
    for (const { name, sizeBytes, sha256 } of files) {
      const path = join(directory, name);
      if ((await stat(path)).size !== sizeBytes) return false;
      if (
        createHash("sha256")
          .update(await readFile(path))
          .digest("hex") !== sha256
      )
        return false;
    }
    return true;
  } catch {
    return false;
  }
}

/** A directory mounted noexec takes files and then refuses to map them; loading the smallest library tells. */
async function mustBeExecutable(directory: string, files: readonly EmbeddedFile[]): Promise<void> {
  const base = files.find(({ name }) => /ggml-base\./.test(name));
  if (base === undefined || process.platform === "win32") return;
  const { dlopen, FFIType } = await import("bun:ffi");
  dlopen(join(directory, base.name), { ggml_nbytes: { args: [FFIType.ptr], returns: FFIType.u64 } }).close();
}
