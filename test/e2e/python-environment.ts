// Python's clients of python/requirements.txt, installed once outside the checkout and found again by the hash of that file. They
// are installed beside their place and moved there when whole, so that two runs at once do no harm.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

const requirements = join(import.meta.dir, "python/requirements.txt");

export const python = process.platform === "win32" ? "python" : "python3";

/** The folder for PYTHONPATH. Throws, with what pip said, when the packages cannot be installed. */
export async function pythonPackages(): Promise<string> {
  const cache = process.env["OLLAMA_TEST_PYTHON"] ?? join(homedir(), ".cache", "ollama-bun-python");
  const hash = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 16);
  const directory = join(cache, `packages-${hash}`);
  if (existsSync(directory)) return directory;
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, ".install-"));
  try {
    await run([
      python,
      "-m",
      "pip",
      "install",
      "--quiet",
      "--disable-pip-version-check",
      "--target",
      work,
      "-r",
      requirements,
    ]);
    if (!existsSync(directory)) renameSync(work, directory);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return directory;
}

async function run(command: readonly string[]): Promise<void> {
  const child = Bun.spawn([...command], { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  const [errors, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  if (code !== 0) throw new Error(`${command.join(" ")} failed (${code}):\n${errors}`);
}
