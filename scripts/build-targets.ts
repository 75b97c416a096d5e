// Builds the executable: a table of targets, one loop. `npm run build` makes the host's, as dist/ollama; target names as
// arguments make others. Each embeds the llama.cpp libraries of node-llama-cpp's platform package.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const dist = join(root, "dist");

interface Target {
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  /** Package with the libraries, and the folder inside its `bins`. */
  readonly libraries: string;
  /** Package with the Bun runtime to compile into. */
  readonly runtime: string;
  readonly llamaTag: string;
  readonly executable: string;
}

const LLAMA_TAG = "v0.5.0";

export const targets: Readonly<Record<string, Target>> = {
  "linux-x64": {
    platform: "linux",
    arch: "x64",
    libraries: "linux-x64",
    runtime: "bun-linux-x64",
    llamaTag: LLAMA_TAG,
    executable: "ollama",
  },
  "linux-arm64": {
    platform: "linux",
    arch: "arm64",
    libraries: "linux-arm64",
    runtime: "bun-linux-aarch64",
    llamaTag: LLAMA_TAG,
    executable: "ollama",
  },
};

/** What the engine calls: the addon and llama.cpp's own helper library stay out. */
function wantedLibrary(name: string): boolean {
  return /\.(so|dylib|dll)$/.test(name) && /^(lib)?(ggml|llama)/.test(name) && !name.includes("llama-common");
}

function hostTarget(): string {
  const found = Object.entries(targets).find(([, t]) => t.platform === process.platform && t.arch === process.arch);
  if (found === undefined)
    throw new Error(`no target for ${process.platform}-${process.arch}; known: ${Object.keys(targets).join(", ")}`);
  return found[0];
}

function packageDir(name: string): string {
  const directory = join(root, "node_modules", name);
  if (!existsSync(directory))
    throw new Error(`${name} is not installed; run npm install (for another platform: npm pack ${name})`);
  return directory;
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The generated entry registers the embedded files, then runs main. */
function writeEntry(name: string, target: Target): string {
  const directory = join(packageDir(`@node-llama-cpp/${target.libraries}`), "bins", target.libraries);
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

async function commitId(): Promise<string> {
  const child = Bun.spawn(["git", "rev-parse", "HEAD"], { cwd: root, stdout: "pipe", stderr: "ignore" });
  return (await new Response(child.stdout).text()).trim() || "unknown";
}

async function build(name: string, target: Target, isHost: boolean): Promise<void> {
  const version = (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }).version;
  const outfile = join(dist, isHost ? target.executable : join(name, target.executable));
  const runtime = join(packageDir(`@oven/${target.runtime}`), "bin", target.platform === "win32" ? "bun.exe" : "bun");
  const startedMs = performance.now();
  const result = await Bun.build({
    entrypoints: [writeEntry(name, target)],
    target: "bun",
    format: "esm",
    // Commands load only what they need, already compiled: `list` answers in a third of the time.
    splitting: true,
    bytecode: true,
    minify: { whitespace: true, syntax: true, identifiers: false },
    define: {
      BUILD_VERSION: JSON.stringify(version),
      BUILD_COMMIT: JSON.stringify(await commitId()),
      "process.env.NODE_ENV": '"production"',
    },
    compile: {
      outfile,
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
  writeFileSync(`${outfile}.sha256`, `${sha256(bytes)}  ${target.executable}\n`);
}

if (import.meta.main) {
  const host = hostTarget();
  const names = process.argv.slice(2);
  mkdirSync(dist, { recursive: true });
  for (const name of names.length > 0 ? names : [host]) {
    const target = targets[name];
    if (target === undefined) throw new Error(`unknown target ${name}; known: ${Object.keys(targets).join(", ")}`);
    await build(name, target, name === host && names.length === 0);
  }
  rmSync(join(dist, ".entry"), { recursive: true, force: true });
}
