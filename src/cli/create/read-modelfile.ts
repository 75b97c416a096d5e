// The Modelfile's bytes and the folder its paths start from.

import { open, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { AppError } from "../../base/errors.ts";
import { faultCode, fileFault } from "../../base/file-fault.ts";

/** Far more than any system prompt, template and licence together. */
const MAX_BYTES = 64 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;

export interface ModelfileSource {
  readonly bytes: Uint8Array;
  readonly folder: string;
  /** The file that was not there, so that the folder stands in for it. */
  readonly absent?: string;
}

/**
 * Ollama compat: where no such file is, named or not, the current folder is taken for the model (cmd/cmd.go,
 * CreateHandler). Pipes and devices are read like files, up to a limit.
 */
export async function readModelfile(name: string): Promise<ModelfileSource> {
  const path = resolve(name === "" ? "Modelfile" : name);
  try {
    await stat(path);
  } catch (error) {
    if (faultCode(error) !== "ENOENT") throw fileFault("stat", path, error);
    return { bytes: new TextEncoder().encode("FROM .\n"), folder: resolve("."), absent: path };
  }
  return { bytes: await readBounded(path), folder: dirname(path) };
}

async function readBounded(path: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    await using file = await open(path);
    for (;;) {
      const buffer = new Uint8Array(CHUNK_BYTES);
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES);
      if (bytesRead === 0) return Buffer.concat(chunks);
      bytes += bytesRead;
      if (bytes > MAX_BYTES) throw new AppError("too-large", `${path} is larger than ${MAX_BYTES} bytes: no Modelfile`);
      chunks.push(buffer.subarray(0, bytesRead));
    }
  } catch (error) {
    throw fileFault("read", path, error);
  }
}
