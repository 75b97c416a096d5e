// Paths of images and sounds inside a prompt: found, read, and taken out of the text (Ollama: cmd/interactive.go,
// extractFileData). The search takes time in proportion to the text, however many slashes it has.

import { open } from "node:fs/promises";
import { AppError, toAppError } from "../../base/errors.ts";
import { goQuote } from "../../base/go-text.ts";
import { sniffContent } from "../../formats/modelfile/paths.ts";
import type { Screen } from "../ui/terminal.ts";

const START = /(?:[a-zA-Z]:)?(?:\.\/|\/|\\)/g;
const END = /\.(?:jpg|jpeg|png|webp|wav)\b/gi;
const MAX_BYTES = 100 * 1024 * 1024;

export interface PromptWithFiles {
  readonly text: string;
  /** Base64, in the order of their paths. */
  readonly images: readonly string[];
}

/** What looks like a path of a file that could be taken; blanks are allowed in it, other white space is not. */
export function findPaths(text: string): string[] {
  const paths: string[] = [];
  for (const line of text.split(/[\t\n\f\r]/)) {
    for (let from = 0; ;) {
      START.lastIndex = from;
      const start = START.exec(line);
      if (start === null) break;
      // At least one character stands between the slash and the ending.
      END.lastIndex = START.lastIndex + 1;
      const end = END.exec(line);
      if (end === null) break;
      from = END.lastIndex;
      paths.push(line.slice(start.index, from));
    }
  }
  return paths;
}

/** Paths that lead nowhere stay in the text. Throws `invalid` for a file that is there and cannot be used. */
export async function takeFiles(prompt: string, stderr: Screen): Promise<PromptWithFiles> {
  const images: string[] = [];
  let text = prompt;
  for (const written of new Set(findPaths(prompt))) {
    const path = unescaped(written);
    const data = await readMedia(path, stderr);
    if (data === undefined) continue;
    stderr.write(`Added ${/\.wav$/i.test(path) ? "audio" : "image"} '${path}'\n`);
    for (const used of [`'${path}'`, `'${written}'`, written]) text = text.replaceAll(used, "");
    images.push(data);
  }
  return { text: text.trim(), images };
}

/** Shells and terminals escape what they drop into a line. */
function unescaped(path: string): string {
  return path.replace(/\\([ ()[\]{}$&;'\\*?~])/g, "$1");
}

async function readMedia(path: string, stderr: Screen): Promise<string | undefined> {
  try {
    return await readMediaFile(path);
  } catch (error) {
    if (typeof error === "object" && error !== null && "code" in error && error.code === "ENOENT") return undefined;
    const { message } = toAppError(error);
    stderr.write(`Couldn't process file: ${goQuote(message)}\n`);
    throw new AppError("invalid", message, { cause: error });
  }
}

async function readMediaFile(path: string): Promise<string> {
  await using file = await open(path);
  const { size } = await file.stat().then((facts) => {
    if (!facts.isFile()) throw new AppError("invalid", `${path} is not a regular file`);
    return facts;
  });
  if (size > MAX_BYTES) throw new AppError("invalid", "file size exceeds maximum limit (100MB)");
  const data = Buffer.alloc(size);
  const { bytesRead } = await file.read(data, 0, size, 0);
  const bytes = data.subarray(0, bytesRead);
  if (!isMedia(bytes)) throw new AppError("invalid", `invalid file type: ${sniffContent(bytes)}`);
  return bytes.toString("base64");
}

/** JPEG, PNG, WebP or WAV, by their first bytes. */
function isMedia(bytes: Buffer): boolean {
  const head = bytes.subarray(0, 16).toString("latin1");
  return (
    head.startsWith("\xff\xd8\xff") || head.startsWith("\x89PNG\r\n\x1a\n") || /^RIFF[^]{4}(?:WEBPVP|WAVE)/.test(head)
  );
}
