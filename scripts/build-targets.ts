// Builds executables: `npm run build` makes the host's, as dist/ollama; target names as arguments make others, as
// dist/<target>/ollama. Each embeds the llama.cpp libraries of node-llama-cpp's platform package. `npm run release` builds
// all of them and everything that is published with them (scripts/release.ts).

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkTarget } from "./check-target.ts";
import { packageDirectory, run } from "./packages.ts";
import { executableName, folderOf, type Target, targets } from "./targets.ts";

const root = join(import.meta.dir, "..");
export const dist = join(root, "dist");

export interface Built {
  readonly name: string;
  readonly target: Target;
  readonly file: string;
  /** Names of the npm packages whose code is in the executable. */
  readonly bundled: readonly string[];
}

/**
 * What the engine calls: the addon and llama.cpp's own helper library stay out, and so does the CPU library for Cooper Lake, which
 * only differs from Cascade Lake's by bfloat16: with it the Windows executable does not pack under 66 MB.
 */
function wantedLibrary(name: string): boolean {
  return (
    /\.(so|dylib|dll)$/.test(name) && /^(lib)?(ggml|llama)/.test(name) && !/llama-common|ggml-cpu-cooperlake/.test(name)
  );
}

export function hostTarget(): string {
  const found = Object.entries(targets).find(([, t]) => t.platform === process.platform && t.arch === process.arch);
  if (found === undefined)
    throw new Error(`no target for ${process.platform}-${process.arch}; known: ${Object.keys(targets).join(", ")}`);
  return found[0];
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function packageVersion(): string {
  return (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }).version;
}

/** Where releases are published and who signs them; both empty until somebody publishes (docs/packaging.md). */
export interface ReleaseFacts {
  readonly downloadUrl: string;
  readonly publicKey: string;
}

export function releaseFacts(file = join(root, "scripts/release.json")): ReleaseFacts {
  return JSON.parse(readFileSync(file, "utf8")) as ReleaseFacts;
}

export interface BuildFacts {
  readonly version: string;
  readonly facts: ReleaseFacts;
}

/** The generated entry registers the embedded files, then runs main. */
async function writeEntry(name: string, target: Target): Promise<string> {
  const directory = join(await packageDirectory(target.libraries), "bins", folderOf(target.libraries));
  checkTarget(name, target, directory);
  const files = readdirSync(directory).filter(wantedLibrary).sort();
  const lines = files.map(
    (file, i) => `import file${i} from ${JSON.stringify(join(directory, file))} with { type: "file" };`,
  );
  const rows = files.map((file, i) => {
    const bytes = readFileSync(join(directory, file));
    return `  { name: ${JSON.stringify(file)}, path: file${i}, sizeBytes: ${bytes.length}, sha256: "${sha256(bytes)}" },`;
  });
  const entryDir = join(dist, ".entry", name);
  mkdirSync(entryDir, { recursive: true });
  const entry = join(entryDir, "entry.ts");
  const source = join(root, "src");
  writeFileSync(
    entry,
    `${lines.join("\n")}\nimport { registerEmbedded } from ${JSON.stringify(join(source, "runner/embedded.ts"))};\nregisterEmbedded([\n${rows.join("\n")}\n]);\nawait import(${JSON.stringify(join(source, "main.ts"))});\n`,
  );
  return entry;
}

/** Of the last commit; a source tree without git has none. */
export async function gitFact(...args: string[]): Promise<string | undefined> {
  return (await run(["git", ...args]).catch(() => "")).trim() || undefined;
}

/** `@scope/name` of every package that the bundler took something from. */
function packagesIn(inputs: readonly string[]): string[] {
  const names = inputs.map((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\/.*\.[cm]?[jt]sx?$/.exec(path)?.[1]);
  return [...new Set(names.filter((name) => name !== undefined))].sort();
}

export async function build(
  name: string,
  target: Target,
  outfile: string,
  { version, facts }: BuildFacts = { version: packageVersion(), facts: releaseFacts() },
): Promise<Built> {
  const runtime = join(await packageDirectory(target.runtime), "bin", target.platform === "win32" ? "bun.exe" : "bun");
  const startedMs = performance.now();
  const result = await Bun.build({
    entrypoints: [await writeEntry(name, target)],
    target: "bun",
    format: "esm",
    // Commands load only what they need, already compiled: `list` answers in a third of the time.
    splitting: true,
    bytecode: true,
    metafile: true,
    minify: { whitespace: true, syntax: true, identifiers: false },
    define: {
      BUILD_VERSION: JSON.stringify(version),
      BUILD_COMMIT: JSON.stringify((await gitFact("rev-parse", "HEAD")) ?? "unknown"),
      BUILD_TARGET: JSON.stringify(name),
      BUILD_LLAMA_TAG: JSON.stringify(target.llamaTag),
      BUILD_DOWNLOAD_URL: JSON.stringify(facts.downloadUrl),
      BUILD_RELEASE_KEY: JSON.stringify(facts.publicKey),
      "process.env.NODE_ENV": '"production"',
    },
    compile: {
      outfile,
      target: bunTarget(target),
      executablePath: runtime,
      // A shipped binary must not read the .env or bunfig.toml of the directory it happens to run in.
      autoloadDotenv: false,
      autoloadBunfig: false,
    },
  });
  if (!result.success) throw new AggregateError(result.logs, `building ${name} failed`);
  const bytes = readFileSync(outfile);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.error(`built ${outfile} (${(bytes.length / 1e6).toFixed(0)} MB) in ${seconds} s`);
  return { name, target, file: outfile, bundled: packagesIn(Object.keys(result.metafile?.inputs ?? {})) };
}

/** Decides how paths to embedded files are spelled inside. */
function bunTarget({ platform, arch }: Target): Bun.Build.CompileTarget {
  const os = platform === "win32" ? "windows" : platform;
  return `bun-${os}-${arch}` as Bun.Build.CompileTarget;
}

/** Temporary; several builds use it one after the other. */
export function removeEntries(): void {
  rmSync(join(dist, ".entry"), { recursive: true, force: true });
}

export function knownTarget(name: string): Target {
  const target = targets[name] ?? Object.values(targets).find(({ aliases }) => aliases?.includes(name));
  if (target === undefined) throw new Error(`unknown target ${name}; known: ${Object.keys(targets).join(", ")}`);
  return target;
}

if (import.meta.main) {
  const names = process.argv.slice(2);
  const host = hostTarget();
  mkdirSync(dist, { recursive: true });
  for (const name of names.length > 0 ? names : [host]) {
    const target = knownTarget(name);
    const outfile = join(dist, names.length > 0 ? name : "", executableName(target));
    if (!existsSync(join(dist, name)) && names.length > 0) mkdirSync(join(dist, name));
    await build(name, target, outfile);
    writeFileSync(`${outfile}.sha256`, `${sha256(readFileSync(outfile))}  ${executableName(target)}\n`);
  }
  removeEntries();
}
