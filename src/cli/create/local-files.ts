// A path from a Modelfile → the files of a model, each with its digest (Ollama: parser/parser.go, fileDigestMap). Only
// regular files are read: a pipe or a device would never end.

import { type Dirent, readSync } from "node:fs";
import { closeSync, openSync } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { isAbsolute, join, relative } from "node:path";
import { AppError } from "../../base/errors.ts";
import { type HashedFile, hashFile } from "../../base/hash-file.ts";
import { type ContentType, selectModelFiles, sniffContent } from "../../formats/modelfile/paths.ts";
import { shardsBeside } from "./shards.ts";
import { faultCode, fileFault } from "../../base/file-fault.ts";

export interface LocalFile extends HashedFile {
  readonly path: string;
}

/** A folder with more entries is no model. */
const MAX_ENTRIES = 100_000;
const SNIFFED_BYTES = 512;

/** undefined where nothing is: the path may be a model's name then. */
export async function localFiles(path: string): Promise<LocalFile[] | undefined> {
  const isFolder = await kindOf(path);
  if (isFolder === undefined) return undefined;
  const paths = isFolder ? await filesOfFolder(path) : shardsBeside(path);
  const files: LocalFile[] = [];
  for (const each of paths) files.push(await localFile(each));
  return files;
}

async function kindOf(path: string): Promise<boolean | undefined> {
  try {
    const entry = await stat(path);
    if (entry.isDirectory()) return true;
    if (entry.isFile()) return false;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(faultCode(error))) return undefined;
    throw fileFault("stat", path, error);
  }
  throw notRegular(path);
}

function notRegular(path: string): AppError {
  return new AppError("invalid", `${path} is not a regular file`);
}

async function filesOfFolder(folder: string): Promise<string[]> {
  const root = await realpath(folder);
  const names = await namesBelow(root);
  const selected = selectModelFiles(names, (name) => contentOf(join(root, name)));
  return Promise.all(selected.map((name) => withinFolder(root, join(root, name))));
}

/** Relative paths of the files in a folder and in its folders, sorted. */
async function namesBelow(root: string): Promise<string[]> {
  const names: string[] = [];
  const add = async (below: string): Promise<string[]> => {
    const folders: string[] = [];
    for (const entry of await list(join(root, below))) {
      const name = below === "" ? entry.name : `${below}/${entry.name}`;
      if (await isKind(join(root, name), entry, "directory")) folders.push(name);
      else if (await isKind(join(root, name), entry, "file")) names.push(name);
      if (names.length > MAX_ENTRIES) throw new AppError("invalid", `${root} holds too many files for a model`);
    }
    return folders;
  };
  for (const folder of await add("")) await add(folder);
  return names.sort();
}

async function list(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    throw fileFault("open", folder, error);
  }
}

async function isKind(path: string, entry: Dirent, kind: "directory" | "file"): Promise<boolean> {
  if (!entry.isSymbolicLink()) return kind === "file" ? entry.isFile() : entry.isDirectory();
  const target = await stat(path).catch(() => undefined);
  return kind === "file" ? target?.isFile() === true : target?.isDirectory() === true;
}

function contentOf(path: string): ContentType {
  const head = Buffer.alloc(SNIFFED_BYTES);
  try {
    const file = openSync(path, "r");
    try {
      return sniffContent(head.subarray(0, readSync(file, head)));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw fileFault("open", path, error);
  }
}

/** The real path of a file, which must not lead out of the folder: a link in a downloaded model could name any file. */
async function withinFolder(root: string, path: string): Promise<string> {
  const real = await realpath(path);
  const inside = relative(root, real);
  if (inside !== ".." && !inside.startsWith("../") && !inside.startsWith("..\\") && !isAbsolute(inside)) return real;
  const hint = inside.includes(".cache") ? "\n\nUse --local-dir <dir> when downloading model to disable caching" : "";
  throw new AppError("invalid", `insecure path: ${inside}${hint}`);
}

export async function localFile(path: string): Promise<LocalFile> {
  try {
    if (!(await stat(path)).isFile()) throw notRegular(path);
    return { path, ...(await hashFile(path)) };
  } catch (error) {
    throw fileFault("open", path, error);
  }
}
