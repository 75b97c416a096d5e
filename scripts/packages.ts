// npm packages of other platforms and versions, which an ordinary install leaves out: fetched by npm, checked against the
// hash in the target table, kept in the user's cache.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { PackageRef } from "./targets.ts";

const root = join(import.meta.dir, "..");
const cache = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "ollama-build");

export async function run(command: readonly string[], cwd = root): Promise<string> {
  const child = Bun.spawn([...command], { cwd, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [text, errors] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")} failed: ${errors.trim() || text.trim()}`);
  return text;
}

/** The same files give the same bytes: sorted, without times and owners of this machine. `more` are further options of tar. */
export async function packTar(
  file: string,
  directory: string,
  entries: readonly string[],
  more: readonly string[] = [],
): Promise<void> {
  const same = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--format=gnu"];
  await run(["tar", ...same, ...more, "-C", directory, "-cf", file, ...entries]);
}

/** A directory below the build cache, made if it is missing. */
export function cacheDirectory(name: string): string {
  const directory = join(cache, name);
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** Where the package is unpacked: node_modules if it has this very version, else the cache. */
export async function packageDirectory(wanted: PackageRef): Promise<string> {
  const installed = join(root, "node_modules", wanted.name);
  if (versionIn(installed) === wanted.version) return installed;
  const place = join(cacheDirectory("packages"), `${wanted.name.replace("/", "+")}-${wanted.version}`);
  if (!existsSync(place)) await fetchPackage(wanted, place);
  return join(place, "package");
}

function versionIn(directory: string): string | undefined {
  const file = join(directory, "package.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as { version?: string }).version : undefined;
}

async function fetchPackage(wanted: PackageRef, place: string): Promise<void> {
  const id = `${wanted.name}@${wanted.version}`;
  console.error(`fetching ${id}`);
  const work = mkdtempSync(join(cacheDirectory("packages"), ".fetch-"));
  try {
    const output = await run(["npm", "pack", "--silent", "--pack-destination", work, id]);
    const archive = join(work, output.trim().split("\n").at(-1) ?? "");
    const found = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`;
    if (found !== wanted.integrity)
      throw new Error(
        `${id} is not the package this project was built with: its hash is ${found}, not ${wanted.integrity}`,
      );
    const unpacked = join(work, "unpacked");
    mkdirSync(unpacked);
    await run(["tar", "-xzf", archive, "-C", unpacked]);
    renameSync(unpacked, place);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
