// Executables for other machines: what their headers say, that each holds its own llama.cpp libraries whole, that macOS's
// signature fits, that two builds are equal, and that the arm64 one answers a prompt in an emulator.

import { afterAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { baseSystem } from "../../scripts/base-system.ts";
import { build, removeEntries } from "../../scripts/build-targets.ts";
import { checkTarget, missingNames } from "../../scripts/check-target.ts";
import { packageDirectory } from "../../scripts/packages.ts";
import { executableName, folderOf, type Target, targets } from "../../scripts/targets.ts";
import { tinyGguf } from "../support/tiny-gguf.ts";

const LIMIT_MS = 240_000;
const work = mkdtempSync(join(tmpdir(), "targets-"));
afterAll(() => {
  removeEntries();
  rmSync(work, { recursive: true, force: true });
});

/** All of them take minutes and 800 MB of downloads. */
const everything = process.env["OLLAMA_TEST_ALL_TARGETS"] === "1";
const names = everything ? Object.keys(targets) : ["linux-arm64", "darwin-arm64", "windows-x64"];

function target(name: string): Target {
  const found = targets[name];
  if (found === undefined) throw new Error(name);
  return found;
}

async function libraryDirectory(name: string): Promise<string> {
  const { libraries } = target(name);
  return join(await packageDirectory(libraries), "bins", folderOf(libraries));
}

async function built(name: string, folder = name): Promise<Buffer> {
  mkdirSync(join(work, folder), { recursive: true });
  const file = join(work, folder, executableName(target(name)));
  await build(name, target(name), file);
  return readFileSync(file);
}

/** Built once for all tests here. */
async function linuxArm64(): Promise<string> {
  const file = join(work, "linux-arm64/ollama");
  if (!existsSync(file)) await built("linux-arm64");
  return file;
}

/** What the operating system's loader reads first. */
function header(bytes: Buffer): string {
  if (bytes.readUInt32BE(0) === 0x7f454c46) return `ELF ${bytes.readUInt16LE(18) === 183 ? "arm64" : "x64"}`;
  if (bytes.readUInt32LE(0) === 0xfeedfacf) return `Mach-O ${bytes.readUInt32LE(4) === 0x0100000c ? "arm64" : "x64"}`;
  const pe = bytes.readUInt32LE(0x3c);
  const isConsole = bytes.readUInt16LE(pe + 24 + 68) === 3;
  return `${bytes.toString("latin1", pe, pe + 2)} ${bytes.readUInt16LE(pe + 4) === 0xaa64 ? "arm64" : "x64"}${isConsole ? " console" : ""}`;
}

const formats = { linux: "ELF", darwin: "Mach-O", win32: "PE" } as const;

test.each(names)(
  "%s has its platform's header and all of its libraries",
  async (name) => {
    const bytes = await built(name);
    const { platform, arch } = target(name);
    expect(header(bytes)).toBe(
      `${formats[platform as keyof typeof formats]} ${arch}${platform === "win32" ? " console" : ""}`,
    );
    const directory = await libraryDirectory(name);
    const libraries = readdirSync(directory).filter(
      (file) => /^(lib)?(ggml|llama)[^-]*.*\.(so|dylib|dll)$/.test(file) && !/common|cooperlake/.test(file),
    );
    expect(libraries.length).toBeGreaterThan(3);
    for (const file of libraries)
      expect([file, bytes.includes(readFileSync(join(directory, file)))]).toEqual([file, true]);
    if (platform === "darwin") expect(brokenPages(bytes)).toEqual([]);
  },
  LIMIT_MS,
);

/** Pages whose hash in the code signature is not theirs: an Apple processor kills a program with even one. */
function brokenPages(bytes: Buffer): number[] {
  const LC_CODE_SIGNATURE = 0x1d;
  let at = 32;
  let signature = -1;
  for (let i = 0; i < bytes.readUInt32LE(16); i++) {
    if (bytes.readUInt32LE(at) === LC_CODE_SIGNATURE) signature = bytes.readUInt32LE(at + 8);
    at += bytes.readUInt32LE(at + 4);
  }
  expect(signature).toBeGreaterThan(0);
  const directory = signature + bytes.readUInt32BE(signature + 16);
  expect(bytes.readUInt32BE(directory)).toBe(0xfade0c02);
  const hashes = directory + bytes.readUInt32BE(directory + 16);
  const count = bytes.readUInt32BE(directory + 28);
  const limit = bytes.readUInt32BE(directory + 32);
  const pageSize = 2 ** (bytes[directory + 39] ?? 0);
  const wrong: number[] = [];
  for (let page = 0; page < count; page++) {
    const content = bytes.subarray(page * pageSize, Math.min((page + 1) * pageSize, limit));
    const wanted = bytes.subarray(hashes + page * 32, hashes + page * 32 + 32);
    if (!createHash("sha256").update(content).digest().equals(wanted)) wrong.push(page);
  }
  return wrong;
}

test(
  "two builds of a target are byte for byte the same",
  async () => {
    const first = readFileSync(await linuxArm64());
    expect((await built("linux-arm64", "again")).equals(first)).toBe(true);
  },
  LIMIT_MS,
);

describe("a target is refused", () => {
  test("whose row names another llama.cpp than its package was built from", async () => {
    const directory = await libraryDirectory("linux-x64");
    expect(() => checkTarget("x", { ...target("linux-x64"), llamaTag: "v0.4.0" }, directory)).toThrow(
      "its package was built from llama.cpp v0.5.0, not v0.4.0",
    );
  });
  test("whose llama.cpp no layouts were generated for", async () => {
    const directory = await libraryDirectory("linux-x64");
    expect(() => checkTarget("x", { ...target("linux-x64"), llamaTag: "v0.6.0" }, directory)).toThrow(
      "run npm run engine:update",
    );
  });
  test("whose libraries lack a function, or the GPU's", async () => {
    const directory = await libraryDirectory("linux-x64");
    expect(() => checkTarget("x", { ...target("linux-x64"), gpu: "cuda" }, directory)).toThrow(
      "its package has no ggml-cuda",
    );
    expect(
      missingNames(Buffer.from("\0llama_decode\0_llama_encode\0"), ["llama_decode", "llama_encode", "llama_x"]),
    ).toEqual(["llama_x"]);
  });
});

/** A kernel lets a user namespace have emulators of its own (Linux 6.7), so that this machine's stay as they are. */
const emulator = "/usr/bin/qemu-aarch64-static";
const REGISTER = String.raw`:arm64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:${emulator}:F`;
const isolate = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork"];
const canEmulate =
  everything &&
  existsSync(emulator) &&
  Bun.spawnSync([...isolate, "mount", "-t", "binfmt_misc", "none", "/proc/sys/fs/binfmt_misc"], { stderr: "ignore" })
    .exitCode === 0;
if (!canEmulate)
  console.error(
    "SKIPPED: the arm64 executable in an emulator takes over a minute (OLLAMA_TEST_ALL_TARGETS=1 runs it) and needs qemu-user-static and Linux 6.7",
  );

test.skipIf(!canEmulate)(
  "linux-arm64 answers a prompt under qemu-user",
  async () => {
    const root = join(work, "root");
    Bun.spawnSync(["cp", "-a", await baseSystem("arm64"), root]);
    for (const folder of ["dev", "proc", "model"]) mkdirSync(join(root, folder), { recursive: true });
    copyFileSync(await linuxArm64(), join(root, "usr/bin/ollama"));
    // The real model takes minutes to load in an emulator.
    const model = process.env["OLLAMA_TEST_ALL_TARGETS"] === "1" ? process.env["OLLAMA_SMALL_MODEL"] : undefined;
    if (model === undefined) writeFileSync(join(root, "model/m.gguf"), tinyGguf("llama"));
    else copyFileSync(model, join(root, "model/m.gguf"));
    writeFileSync(
      join(root, "model/Modelfile"),
      "FROM /model/m.gguf\nPARAMETER num_predict 4\nPARAMETER temperature 0\n",
    );
    const inside = `
ollama serve >/model/log 2>&1 &
tries=0
until ollama list >/dev/null 2>&1; do tries=$((tries + 1)); [ $tries -lt 60 ] || break; sleep 0.5; done
ollama create m -f /model/Modelfile >/dev/null 2>&1 && ollama run m hi`;
    const script = `
set -e
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
printf '%s' "$1" > /proc/sys/fs/binfmt_misc/register
cd "$2"
mount -t proc proc proc
for node in null zero urandom; do touch dev/$node; mount --bind /dev/$node dev/$node; done
exec /usr/sbin/chroot . /usr/bin/env -i PATH=/usr/bin HOME=/root OLLAMA_HOST=127.0.0.1:${41_000 + (process.pid % 1000)} sh -c "$3"`;
    const ran = Bun.spawnSync([...isolate, "sh", "-c", script, "emulate", REGISTER, root, inside], { stdin: "ignore" });
    const log = readFileSync(join(root, "model/log"), "utf8");
    expect([ran.exitCode, ran.stderr.toString(), log.includes("model loaded")]).toEqual([0, "", true]);
    expect(ran.stdout.toString().trim().length).toBeGreaterThan(0);
  },
  LIMIT_MS,
);
