// What a FROM, ADAPTER or DRAFT value names on disk: the path it stands for, and which files of a folder make up a model
// (Ollama: parser/parser.go, expandPath and filesForModel). Decides from names alone; whoever calls it reads the disk.

import { join, resolve } from "node:path";
import { AppError } from "../../base/errors.ts";

/**
 * An absolute path: "~" and "~user" expand through `homeOf`, which is given no name for the current user; anything else is
 * taken from the Modelfile's folder.
 */
export function expandPath(path: string, modelfileFolder: string, homeOf: (user?: string) => string): string {
  if (path.startsWith("/") || path.startsWith("\\") || /^[A-Za-z]:[\\/]/.test(path)) return resolve(path);
  if (!path.startsWith("~")) return resolve(modelfileFolder, path);
  const slash = path.indexOf("/");
  const user = path.slice(1, slash < 0 ? undefined : slash);
  return resolve(join(user === "" ? homeOf() : homeOf(user), slash < 0 ? "" : path.slice(slash)));
}

export type ContentType = "text/plain" | "application/zip" | "application/octet-stream" | "other";

const GGUF = /\.gguf$/;

interface Wanted {
  readonly name: RegExp;
  readonly content?: ContentType;
  /** The same names one folder down belong to it too. */
  readonly nested?: true;
}

/** The first kind that is there counts; a file whose content is of another type rules its kind out. */
const WEIGHTS: readonly Wanted[] = [
  // Some safetensors files do not look like binary data, so their content is not checked.
  { name: /^model.*\.safetensors$/s, nested: true },
  { name: /^consolidated.*\.safetensors$/s },
  // LoRA adapters of MLX and of peft.
  { name: /^(?:adapters|adapter_model)\.safetensors$/ },
  { name: GGUF, content: "application/octet-stream" },
  { name: /\.bin$/, content: "application/octet-stream" },
];

/** Paths are relative to the folder, with "/", in sorted order; those more than one folder down are ignored. */
export function selectModelFiles(paths: readonly string[], contentOf: (path: string) => ContentType): string[] {
  const top = paths.filter((path) => !path.includes("/"));
  const below = paths.filter((path) => path.split("/").length === 2);
  const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
  const matching = (from: readonly string[], name: RegExp): string[] =>
    from.filter((path) => name.test(baseName(path)));
  const accepted = (from: readonly string[], name: RegExp, content: ContentType): string[] => {
    const found = matching(from, name);
    return found.every((path) => contentOf(path) === content) ? found : [];
  };

  const files: string[] = [];
  for (const { name, content, nested } of WEIGHTS) {
    if (name === GGUF) refusePickle(top);
    const found = content === undefined ? matching(top, name) : accepted(top, name, content);
    if (found.length === 0) continue;
    files.push(...found, ...(nested === true ? matching(below, name) : []));
    break;
  }
  if (files.length === 0) throw new AppError("invalid", "no Modelfile or safetensors files found");

  for (const path of [...matching(top, /\.json$/), ...matching(below, /\.json$/), ...matching(top, CHAT_TEMPLATE)]) {
    const content = contentOf(path);
    if (content !== "text/plain")
      throw new AppError("invalid", `invalid content type: expected ${content} for ${path}`);
    files.push(path);
  }
  const tokenizer = accepted(top, TOKENIZER, "application/octet-stream");
  return [...files, ...(tokenizer.length > 0 ? tokenizer : accepted(below, TOKENIZER, "text/plain"))];
}

/**
 * Ollama reads these; they are Python pickles, programs that run when they are read, so here not even their type is looked
 * at (docs/differences.md).
 */
function refusePickle(names: readonly string[]): void {
  const pickle = names.find((name) => /^(?:pytorch_model.*\.bin|consolidated.*\.pth)$/s.test(name));
  if (pickle === undefined || names.some((name) => GGUF.test(name))) return;
  throw new AppError(
    "unsupported",
    `${pickle} is a Python pickle, which can run code when it is read; save the model as safetensors (save_pretrained writes them) and create it from those`,
  );
}

const CHAT_TEMPLATE = /^chat_template\.jinja$/;
const TOKENIZER = /^tokenizer\.model$/;

/** What a file's first 512 bytes look like, as far as it matters here (Go: net/http, DetectContentType). */
export function sniffContent(head: Uint8Array): ContentType {
  const bytes = head.subarray(0, 512);
  const startsWith = (...wanted: number[]): boolean => wanted.every((byte, index) => bytes[index] === byte);
  if (startsWith(0x50, 0x4b, 0x03, 0x04)) return "application/zip";
  if (startsWith(0xff, 0xfe) || startsWith(0xfe, 0xff) || startsWith(0xef, 0xbb, 0xbf)) return "text/plain";
  if (startsWith(0x25, 0x50, 0x44, 0x46, 0x2d) || startsWith(0x1f, 0x8b, 0x08)) return "other"; // PDF, gzip
  // "<?xml" and HTML tags have types of their own; a Git LFS pointer is plain text.
  const isMarkup = /^[\t\n\f\r ]*<(?:\?xml|!doctype html|html|head|body|!--)/i.test(
    Buffer.from(bytes).toString("latin1"),
  );
  if (isMarkup) return "other";
  return bytes.some(isBinaryByte) ? "application/octet-stream" : "text/plain";
}

function isBinaryByte(byte: number): boolean {
  return byte <= 0x08 || byte === 0x0b || (byte >= 0x0e && byte <= 0x1a) || (byte >= 0x1c && byte <= 0x1f);
}
