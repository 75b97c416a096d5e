// A Modelfile → the create request and the local files it needs. FROM names a local path or a model; which of both, the disk
// decides (Ollama: parser/parser.go, CreateRequest).

import { realpath } from "node:fs/promises";
import type { CreateRequest } from "../../api/schema/models.ts";
import { AppError } from "../../base/errors.ts";
import type { ModelfileContent } from "../../formats/modelfile/interpret.ts";
import { expandPath } from "../../formats/modelfile/paths.ts";
import { isRemoteUrl } from "../../remotes/address.ts";
import { requestFileNames } from "./file-names.ts";
import { homeOf } from "./home-of.ts";
import { type LocalFile, localFiles } from "./local-files.ts";

export interface Gathered {
  readonly request: CreateRequest;
  readonly uploads: readonly LocalFile[];
  readonly hasDraft: boolean;
}

export async function gather(model: string, content: ModelfileContent, folder: string): Promise<Gathered> {
  if (content.remoteModel !== undefined) return gatherRemote(model, content, content.remoteModel);
  const sources = await fromSources(content, folder);
  if (sources.model !== undefined && isEngineUrl(sources.model)) throw nameMissing(sources.model);
  const drafts = await requiredFiles(content.drafts, folder);
  await refuseSamePaths(sources.paths, drafts.paths);
  const adapters = await adapterFiles(content.adapters, folder);
  const request: CreateRequest = {
    model,
    ...(sources.model === undefined ? {} : { from: sources.model }),
    ...namedDigests("files", sources.files),
    ...adapters.request,
    ...namedDigests("draft_files", drafts.files),
    ...settingsOf(content),
  };
  const uploads = [...sources.files, ...adapters.files, ...drafts.files];
  return { request, uploads, hasDraft: drafts.files.length > 0 };
}

/** Several FROM lines are several addresses of one engine, tried in order. */
function gatherRemote(model: string, content: ModelfileContent, remoteModel: string): Gathered {
  const { from, adapters, drafts } = content;
  const wrong = from.find((source) => !isRemoteUrl(source));
  if (wrong !== undefined)
    throw new AppError(
      "invalid",
      `REMOTE_MODEL needs a FROM that is the engine's address, like https://host/v1, not ${wrong}`,
    );
  if (remoteModel === "") throw nameMissing(from[0] ?? "");
  if (adapters.length + drafts.length > 0)
    throw new AppError("invalid", "ADAPTER and DRAFT belong to weights; this model has none here (REMOTE_MODEL)");
  const request = { model, from: remoteModel, remote_host: from.join(","), ...settingsOf(content) };
  return { request, uploads: [], hasDraft: false };
}

/** An API's address, not a file's. */
function isEngineUrl(source: string): boolean {
  return isRemoteUrl(source) && /\/v1\/?$/.test(source);
}

function nameMissing(address: string): AppError {
  return new AppError("invalid", `which model at ${address}? add a line: REMOTE_MODEL name`);
}

interface Sources {
  readonly files: readonly LocalFile[];
  readonly paths: readonly string[];
}

async function fromSources(
  { from }: ModelfileContent,
  folder: string,
): Promise<Sources & { model: string | undefined }> {
  const files: LocalFile[] = [];
  const paths: string[] = [];
  let model: string | undefined;
  for (const source of from) {
    const path = expandPath(source, folder, homeOf);
    const found = await localFiles(path);
    if (found === undefined) model = source;
    else {
      files.push(...found);
      paths.push(path);
    }
  }
  return { files: withoutRepeats(files), paths, model };
}

async function requiredFiles(sources: readonly string[], folder: string): Promise<Sources> {
  const files: LocalFile[] = [];
  const paths: string[] = [];
  for (const source of sources) {
    const path = expandPath(source, folder, homeOf);
    const found = await localFiles(path);
    if (found === undefined) throw new AppError("invalid", `stat ${path}: no such file or directory`);
    files.push(...found);
    paths.push(path);
  }
  return { files: withoutRepeats(files), paths };
}

interface Adapters extends Pick<Sources, "files"> {
  readonly request: Pick<CreateRequest, "adapters" | "adapter_scales">;
}

/** "ADAPTER file 0.5" gives an adapter half its strength, unless there is a file of that whole name. */
async function adapterFiles(values: readonly string[], folder: string): Promise<Adapters> {
  const files: LocalFile[] = [];
  const scaleOf = new Map<string, number>();
  for (const value of values) {
    const [, name = value, scale] = /^(.*\S)\s+([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)$/.exec(value) ?? [];
    const isWhole = scale === undefined || (await localFiles(expandPath(value, folder, homeOf))) !== undefined;
    const found = await requiredFiles([isWhole ? value : name], folder);
    files.push(...found.files);
    if (!isWhole) for (const { path } of found.files) scaleOf.set(path, Number(scale));
  }
  const once = withoutRepeats(files);
  const names = requestFileNames(once.map(({ path }) => path));
  const scales = once.flatMap(({ path }) => {
    const scale = scaleOf.get(path);
    return scale === undefined ? [] : [[names.get(path) ?? path, scale] as const];
  });
  const request = {
    ...namedDigests("adapters", once),
    ...(scales.length === 0 ? {} : { adapter_scales: Object.fromEntries(scales) }),
  };
  return { files: once, request };
}

function withoutRepeats(files: readonly LocalFile[]): LocalFile[] {
  return [...new Map(files.map((file) => [file.path, file])).values()];
}

async function refuseSamePaths(models: readonly string[], drafts: readonly string[]): Promise<void> {
  const real = await Promise.all(models.map((path) => realpath(path)));
  for (const path of drafts) {
    if (!real.includes(await realpath(path))) continue;
    throw new AppError("invalid", `DRAFT must not reference the same local path as FROM: ${path}`);
  }
}

function namedDigests(
  field: "files" | "adapters" | "draft_files",
  files: readonly LocalFile[],
): Pick<CreateRequest, typeof field> {
  if (files.length === 0) return {};
  const names = requestFileNames(files.map(({ path }) => path));
  return { [field]: Object.fromEntries(files.map(({ path, digest }) => [names.get(path) ?? path, digest])) };
}

/** What is empty is left out, as Go does. */
function settingsOf(content: ModelfileContent): CreateRequest {
  const { template, system, renderer, parser, requires, licenses, parameters, messages } = content;
  return {
    ...(template ? { template } : {}),
    ...(system ? { system } : {}),
    ...(renderer ? { renderer } : {}),
    ...(parser ? { parser } : {}),
    ...(requires ? { requires } : {}),
    ...(licenses.length === 0 ? {} : { license: [...licenses] }),
    ...(Object.keys(parameters).length === 0 ? {} : { parameters: { ...parameters } }),
    ...(messages.length === 0 ? {} : { messages: messages.map(({ role, content }) => ({ role, content })) }),
  };
}
