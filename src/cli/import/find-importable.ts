// Models that other programs have on this disk: GGUF files in Hugging Face's cache and LM Studio's folders. Only looks. The
// parts of a split model and the projector beside a model are one model with it.

import { open, readdir, readFile, realpath } from "node:fs/promises";
import { basename, dirname, isAbsolute, join } from "node:path";
import { isRecord } from "../../api/responses.ts";
import { presentShards, SHARD_NAME } from "../create/shards.ts";

export interface Importable {
  /** What it is called as a model here. */
  readonly name: string;
  /** The weights first. Hugging Face's cache has links there, whose names tell what they are. */
  readonly paths: readonly string[];
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
  /** The weights, or the first part of them. */
  readonly path: string;
  /** Further parts, and the projector. */
  readonly others: readonly string[];
  readonly source: Importable["source"];
}

/** A repository has folders for quantizations at most. */
const MAX_DEPTH = 3;

export async function findImportables(caches: Caches): Promise<Importable[]> {
  const found = [...(await inHuggingFace(caches.huggingFace)), ...(await inLmStudio(caches.home))];
  const models = new Map<string, Importable>();
  const known = new Set<string>();
  for (const each of found) {
    const paths = [each.path, ...each.others];
    const first = await realpath(each.path).catch(() => undefined);
    if (first === undefined || known.has(first)) continue;
    const sizes = await Promise.all(paths.map(ggufSize));
    const sizeBytes = sizes.reduce((sum: number, size) => sum + (size ?? Number.NaN), 0);
    if (Number.isNaN(sizeBytes)) continue;
    known.add(first);
    // The same name again is the same model in the other program's cache, or a file that only its own name tells apart.
    const name = [importName(each), importName(each, true)].find((choice) => !models.has(choice.toLowerCase()));
    if (name !== undefined) models.set(name.toLowerCase(), { name, paths, sizeBytes, source: each.source });
  }
  return [...models.values()].sort((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1));
}

/** publisher/repository:QUANTIZATION, or the file's own name as the tag. */
export function importName(
  { publisher, repository, path }: Pick<Found, "publisher" | "repository" | "path">,
  byFile = false,
): string {
  const stem = basename(path).replace(/(-\d{5}-of-\d{5})?\.gguf$/i, "");
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
      for (const model of await modelsBelow(join(snapshots, revision)))
        found.push({ publisher, repository, ...model, source: "Hugging Face" });
  }
  return found;
}

async function inLmStudio(home: string): Promise<Found[]> {
  const found: Found[] = [];
  for (const models of await lmStudioFolders(home)) {
    for (const publisher of await names(models))
      for (const repository of await names(join(models, publisher)))
        for (const model of await modelsBelow(join(models, publisher, repository)))
          found.push({ publisher, repository, ...model, source: "LM Studio" });
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

async function modelsBelow(repository: string): Promise<Pick<Found, "path" | "others">[]> {
  const files = await ggufFiles(repository, MAX_DEPTH);
  const projectors = files.filter((path) => /mmproj/i.test(basename(path)));
  const models: Pick<Found, "path" | "others">[] = [];
  for (const path of files) {
    const number = SHARD_NAME.exec(basename(path))?.[2];
    if (projectors.includes(path) || (number !== undefined && Number(number) !== 1)) continue;
    const [first, ...shards] = presentShards(path).missing.length === 0 ? presentShards(path).paths : [];
    if (first !== undefined) models.push({ path: first, others: [...shards, ...projectorFor(first, projectors)] });
  }
  return models;
}

/** The one that lies nearest above the weights, in the precision that every engine has. */
function projectorFor(path: string, projectors: readonly string[]): string[] {
  const folder = `${dirname(path)}/`;
  const depth = (projector: string) => dirname(projector).length;
  const precision = (projector: string) => [/(?<!b)f16/i, /bf16/i].findIndex((kind) => kind.test(basename(projector)));
  const rank = (projector: string) => precision(projector) >>> 0;
  const [best] = projectors
    .filter((projector) => folder.startsWith(`${dirname(projector)}/`))
    .sort((a, b) => depth(b) - depth(a) || rank(a) - rank(b));
  return best === undefined ? [] : [best];
}

async function ggufFiles(folder: string, depth: number): Promise<string[]> {
  const files: string[] = [];
  for (const name of await names(folder)) {
    const path = join(folder, name);
    if (/\.gguf$/i.test(name)) files.push(path);
    else if (depth > 1) files.push(...(await ggufFiles(path, depth - 1)));
  }
  return files;
}

async function names(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [] as string[])).sort();
}

/** undefined for what is no GGUF: a download that was not finished has another name or another beginning. */
async function ggufSize(path: string): Promise<number | undefined> {
  try {
    await using file = await open(path);
    const facts = await file.stat();
    if (!facts.isFile()) return undefined;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return bytesRead === 4 && buffer.toString("latin1") === "GGUF" ? facts.size : undefined;
  } catch {
    return undefined;
  }
}
