// Moves a models directory. By renaming it where that is possible; else blobs are copied and hashed first, manifests appear
// in the new place all at once, and only then do they leave the old one. Whenever it is stopped, one place is whole.

import {
  chmod,
  chown,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  symlink,
} from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { temporaryBeside, writeFileAtomic } from "../base/atomic-file.ts";
import { DigestStream, isDigest, parseDigest } from "../base/digest.ts";
import { requireFree } from "../base/disk.ts";
import { AppError } from "../base/errors.ts";
import { hashFile } from "../base/hash-file.ts";
import { ModelStore } from "./store.ts";

export interface MoveStep {
  readonly status: string;
  readonly totalBytes: number;
  readonly doneBytes: number;
  /** Something that is not as it should be, and was moved as it is. */
  readonly warning?: string;
}

/** In the new place while it is not whole: the old place's path. */
const MARKER = ".moving";
/** The manifests' name on their way in, and on their way out. */
const ARRIVING = ".arriving-manifests";
const LEAVING = ".leaving-manifests";
const CHUNK_BYTES = 4 * 1024 * 1024;

/**
 * Moves the store at `from` to `to`, which must not exist, be empty, or be what an earlier move of the same store left.
 * Throws `busy` while a program uses either place.
 */
export async function* moveStore(
  from: string,
  to: string,
  signal: AbortSignal,
): AsyncGenerator<MoveStep, void, undefined> {
  const source = await realDirectory(from);
  if (await isUnfinishedRemoval(source)) yield* removeSource(source);
  else {
    await requireTarget(source, to);
    using _ = claim(source);
    if (await renameStore(source, to)) yield { status: "renamed", totalBytes: 1, doneBytes: 1 };
    else yield* copyStore(source, to, signal);
  }
  await repoint(from, to);
}

async function realDirectory(from: string): Promise<string> {
  const source = await realpath(from).catch(() => undefined);
  const names = source === undefined ? [] : await readdir(source).catch(() => [] as string[]);
  if (source !== undefined && (names.includes("manifests") || names.includes(LEAVING))) return source;
  throw new AppError("not-found", `there are no models in ${from}`);
}

function claim(directory: string): Disposable {
  const claimed = new ModelStore(directory).claim("exclusive");
  if (claimed !== undefined) return claimed;
  throw new AppError("busy", `a server is using the models in ${directory}; stop it, then run this again`);
}

async function requireTarget(source: string, to: string): Promise<void> {
  const inside = relative(source, to);
  if (inside === "" || (inside.split(sep)[0] !== ".." && !inside.startsWith(sep) && !/^[A-Za-z]:/.test(inside)))
    throw new AppError("invalid", `${to} is in the models directory itself`);
  const names = await readdir(to).catch((error: unknown) => {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT") return [] as string[];
    throw new AppError("invalid", `${to} cannot be used: ${code === "ENOTDIR" ? "it is a file" : String(code)}`);
  });
  const marker = await readFile(join(to, MARKER), "utf8").catch(() => undefined);
  if (names.length === 0 || marker === source) return;
  const why = marker === undefined ? "is not empty" : `holds an unfinished move of ${marker}`;
  throw new AppError("invalid", `${to} ${why}; name a directory that is empty or does not exist`);
}

/** False where renaming cannot do it: another file system, a mount point, or a copy that was begun. */
async function renameStore(source: string, to: string): Promise<boolean> {
  try {
    await mkdir(dirname(to), { recursive: true });
    await rmdir(to).catch(() => {});
    await rename(source, to);
    return true;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (["EXDEV", "EBUSY", "ENOTEMPTY", "EEXIST"].includes(String(code))) return false;
    throw new AppError("forbidden", `${source} cannot be moved to ${to}: ${String(code)}`, { cause: error });
  }
}

async function* copyStore(source: string, to: string, signal: AbortSignal): AsyncGenerator<MoveStep, void, undefined> {
  await mkdir(to, { recursive: true });
  await giveLike(await stat(source), to);
  await writeFileAtomic(join(to, MARKER), source);
  using _ = claim(to);
  const blobs = (await readdir(join(source, "blobs")).catch(() => [] as string[])).filter(isWorthMoving);
  const sizes = await Promise.all(blobs.map(async (name) => (await stat(join(source, "blobs", name))).size));
  const totalBytes = sizes.reduce((sum, size) => sum + size, 0);
  await requireFree(to, totalBytes - (await bytesIn(join(to, "blobs"))));
  let doneBytes = 0;
  for (const [i, name] of blobs.entries()) {
    const status = `copying ${name.slice(0, 19)}`;
    for await (const copied of copyBlob(source, to, name, signal)) {
      const done = doneBytes + (typeof copied === "number" ? copied : 0);
      yield { status, totalBytes, doneBytes: done, ...(typeof copied === "string" ? { warning: copied } : {}) };
    }
    doneBytes += sizes[i] ?? 0;
  }
  yield { status: "copying manifests", totalBytes, doneBytes };
  await rm(join(to, ARRIVING), { recursive: true, force: true });
  await copyTree(join(source, "manifests"), join(to, ARRIVING));
  signal.throwIfAborted();
  await rm(join(to, "manifests"), { recursive: true, force: true });
  await rename(join(to, ARRIVING), join(to, "manifests"));
  await rm(join(to, MARKER));
  await rename(join(source, "manifests"), join(source, LEAVING));
  yield* removeSource(source);
}

async function bytesIn(directory: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(directory).catch(() => [] as string[]))
    if (isWorthMoving(name)) bytes += (await stat(join(directory, name))).size;
  return bytes;
}

/** Blobs and partial downloads; no locks and no left-overs. */
function isWorthMoving(name: string): boolean {
  return isDigest(name) || /^sha256-[0-9a-f]{64}-partial(-\d+)?$/.test(name);
}

/** Yields bytes done, and a warning in words for a blob that was damaged before. */
async function* copyBlob(
  source: string,
  to: string,
  name: string,
  signal: AbortSignal,
): AsyncGenerator<number | string, void, undefined> {
  const [path, target] = [join(source, "blobs", name), join(to, "blobs", name)];
  const facts = await stat(path);
  if ((await stat(target).catch(() => undefined))?.size === facts.size) return;
  await makeLike(join(source, "blobs"), dirname(target));
  const temporary = temporaryBeside(target);
  try {
    const hash = new DigestStream();
    for await (const bytes of copyBytes(path, temporary, hash, signal)) yield bytes;
    const digest = hash.digest();
    const copy = await hashFile(temporary);
    if (copy.digest !== digest)
      throw new AppError("internal", `the copy of ${path} differs from it; nothing was moved`);
    if (isDigest(name) && digest !== parseDigest(name))
      yield `${name} was damaged before; pull or create its model again`;
    await giveLike(facts, temporary);
    await rename(temporary, target);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function* copyBytes(
  path: string,
  target: string,
  hash: DigestStream,
  signal: AbortSignal,
): AsyncGenerator<number, void, undefined> {
  await using input = await open(path);
  await using output = await open(target, "wx");
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  for (;;) {
    signal.throwIfAborted();
    const { bytesRead } = await input.read(buffer, 0, CHUNK_BYTES);
    if (bytesRead === 0) break;
    const chunk = buffer.subarray(0, bytesRead);
    hash.update(chunk);
    await output.writeFile(chunk);
    yield hash.bytes;
  }
  await output.sync();
}

/** Manifests are small; links among them are followed, since what they lead to may not move along. */
async function copyTree(from: string, to: string): Promise<void> {
  await makeLike(from, to);
  for (const name of await readdir(from)) {
    const [path, target] = [join(from, name), join(to, name)];
    const facts = await stat(path).catch(() => undefined);
    if (facts?.isDirectory() === true) await copyTree(path, target);
    if (facts?.isFile() !== true) continue;
    await writeFileAtomic(target, await readFile(path));
    await giveLike(facts, target);
  }
}

async function makeLike(model: string, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await giveLike(await stat(model), directory);
}

/** Owner, where this user may give files away, and mode: a service's store stays the service's. */
async function giveLike(
  { uid, gid, mode }: { readonly uid: number; readonly gid: number; readonly mode: number },
  path: string,
): Promise<void> {
  await chmod(path, mode & 0o7777);
  if (process.getuid?.() === 0) await chown(path, uid, gid);
}

async function isUnfinishedRemoval(source: string): Promise<boolean> {
  const names = await readdir(source);
  return names.includes(LEAVING) && !names.includes("manifests");
}

/** Of a store whose manifests are elsewhere by now. What is none of ours stays. */
async function* removeSource(source: string): AsyncGenerator<MoveStep, void, undefined> {
  yield { status: "removing the old files", totalBytes: 1, doneBytes: 1 };
  for (const name of ["blobs", "links", LEAVING, ".in-use", ".lock"])
    await rm(join(source, name), { recursive: true, force: true });
  await rmdir(source).catch(() => {});
}

/** A link that led to the old place leads to the new one. */
async function repoint(from: string, to: string): Promise<void> {
  if (!(await lstat(from).catch(() => undefined))?.isSymbolicLink()) return;
  const temporary = temporaryBeside(from);
  await symlink(to, temporary);
  await rename(temporary, from);
}
