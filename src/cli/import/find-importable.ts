// Models that other programs have on this disk: GGUF files in Hugging Face's cache and LM Studio's folders. Only looks.

import { open, readdir, readFile, realpath, stat } from "node:fs/promises";
import { basename, isAbsolute, join } from "node:path";
import { isRecord } from "../../api/responses.ts";

export interface Importable {
  /** What it is called as a model here. */
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly source: "Hugging Face" | "LM Studio";
}

export interface Caches {
  /** The hub's folder. */
  readonly huggingFace: string;
  /** The user's home, in which LM Studio says where its own is. */
  readonly home: string;
}

interface Found {
  readonly publisher: string;
  readonly repository: string;
  readonly path: string;
  readonly source: Importable["source"];
}

/** A repository has folders for quantizations at most. */
const MAX_DEPTH = 3;

export async function findImportables(caches: Caches): Promise<Importable[]> {
  const found = [...(await inHuggingFace(caches.huggingFace)), ...(await inLmStudio(caches.home))];
  const models = new Map<string, Importable>();
  const paths = new Set<string>();
  for (const each of found) {
    const path = await realpath(each.path).catch(() => undefined);
    if (path === undefined || paths.has(path) || !(await isGguf(path))) continue;
    paths.add(path);
    const { size: sizeBytes } = await stat(path);
    // The same name again is the same model in the other program's cache, or a file that only its own name tells apart.
    const name = [importName(each), importName(each, true)].find((choice) => !models.has(choice.toLowerCase()));
    if (name !== undefined) models.set(name.toLowerCase(), { name, path, sizeBytes, source: each.source });
  }
  return [...models.values()].sort((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1));
}

/** publisher/repository:QUANTIZATION, or the file's own name as the tag. */
export function importName(
  { publisher, repository, path }: Pick<Found, "publisher" | "repository" | "path">,
  byFile = false,
): string {
  const stem = basename(path).replace(/\.gguf$/i, "");
  const words = [
    ...stem.matchAll(/(?<=^|[-._])(?:(?:UD-)?(?:IQ|TQ|Q)\d[\dA-Z_]*|BF16|FP16|F16|F32|MXFP4\w*)(?=$|[-.])/gi),
  ];
  const tag = byFile ? undefined : words.at(-1)?.[0];
  return `${part(publisher, /[^\w-]+/g)}/${part(repository, /[^\w.-]+/g)}:${part(tag ?? stem, /[^\w.-]+/g)}`;
}

/** As names allow it (models/name.ts). */
function part(text: string, foreign: RegExp): string {
  return (
    text
      .replace(foreign, "-")
      .replace(/^[^A-Za-z0-9_]+/, "")
      .slice(0, 80) || "model"
  );
}

async function inHuggingFace(hub: string): Promise<Found[]> {
  const found: Found[] = [];
  for (const folder of await names(hub)) {
    const [kind, publisher, repository] = folder.split("--");
    if (kind !== "models" || publisher === undefined || repository === undefined) continue;
    const snapshots = join(hub, folder, "snapshots");
    for (const revision of await names(snapshots))
      for (const path of await ggufFiles(join(snapshots, revision), MAX_DEPTH))
        found.push({ publisher, repository, path, source: "Hugging Face" });
  }
  return found;
}

async function inLmStudio(home: string): Promise<Found[]> {
  const found: Found[] = [];
  for (const models of await lmStudioFolders(home)) {
    for (const publisher of await names(models))
      for (const repository of await names(join(models, publisher)))
        for (const path of await ggufFiles(join(models, publisher, repository), MAX_DEPTH))
          found.push({ publisher, repository, path, source: "LM Studio" });
  }
  return found;
}

/** Where it keeps models: its home, which a pointer file may name, and the folder that its settings name. */
async function lmStudioFolders(home: string): Promise<string[]> {
  const pointer = (await readFile(join(home, ".lmstudio-home-pointer"), "utf8").catch(() => "")).trim();
  const homes = [pointer, join(home, ".lmstudio"), join(home, ".cache/lm-studio")].filter(isAbsolute);
  const folders: string[] = [];
  for (const each of homes) folders.push(...(await chosenFolder(each)), join(each, "models"));
  return [...new Set(folders)];
}

async function chosenFolder(home: string): Promise<string[]> {
  try {
    const settings: unknown = JSON.parse(await readFile(join(home, "settings.json"), "utf8"));
    const folder = isRecord(settings) ? settings["downloadsFolder"] : undefined;
    return typeof folder === "string" && isAbsolute(folder) ? [folder] : [];
  } catch {
    return [];
  }
}

/** Weights in one file: parts of a split model and projectors are none by themselves. */
async function ggufFiles(folder: string, depth: number): Promise<string[]> {
  const files: string[] = [];
  for (const name of await names(folder)) {
    const path = join(folder, name);
    if (/\.gguf$/i.test(name)) {
      if (!/mmproj|-\d{5}-of-\d{5}\.gguf$/i.test(name)) files.push(path);
    } else if (depth > 1) files.push(...(await ggufFiles(path, depth - 1)));
  }
  return files;
}

async function names(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [] as string[])).sort();
}

/** A download that was not finished has another name or another beginning. */
async function isGguf(path: string): Promise<boolean> {
  try {
    if (!(await stat(path)).isFile()) return false;
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return bytesRead === 4 && buffer.toString("latin1") === "GGUF";
  } catch {
    return false;
  }
}
