// Replaces this executable with another release: signed manifest, checked download, proof that the new one starts, then one
// rename. The old executable is kept, and until the rename nothing has changed. Never runs by itself.

import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { chmod, copyFile, mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { temporaryBeside } from "../base/atomic-file.ts";
import { AppError, toAppError } from "../base/errors.ts";
import { type Artefact, checkSignature, compareVersions, type Manifest, parseManifest } from "./manifest.ts";

export interface UpgradeSource {
  /** Base address; versions lie in `v<version>/` below it. */
  readonly url: string;
  readonly publicKey: string;
  readonly version: string | undefined;
}

export interface Self {
  readonly path: string;
  readonly version: string;
  readonly target: string;
}

export interface Upgrade {
  readonly version: string;
  readonly artefact: Artefact;
  readonly url: string;
}

const MAX_MANIFEST_BYTES = 1024 * 1024;
const MANIFEST_TIMEOUT_MS = 60_000;
const PROOF_TIMEOUT_MS = 30_000;

/** What there is to upgrade to; undefined when this is it. */
export async function findUpgrade(
  source: UpgradeSource,
  self: Self,
  signal: AbortSignal,
): Promise<Upgrade | undefined> {
  if (self.target === "") throw new AppError("unsupported", "this runs from its source; upgrade that instead");
  if (source.publicKey === "")
    throw new AppError(
      "unsupported",
      "this build has no release key, so it cannot tell a genuine release from another; install the new version with its install script",
    );
  if (source.url === "")
    throw new AppError("unsupported", "this build knows no place with releases; set OLLAMA_DOWNLOAD_URL to one");
  const base = releaseUrl(source);
  const bytes = await fetchSmall(`${base}/manifest.json`, signal);
  const signature = new TextDecoder().decode(await fetchSmall(`${base}/manifest.json.sig`, signal));
  checkSignature(bytes, signature, source.publicKey);
  const manifest = parseManifest(new TextDecoder().decode(bytes));
  return choose(manifest, source, self, base);
}

function releaseUrl({ url, version }: UpgradeSource): string {
  if (!/^(https?|file):\/\//.test(url))
    throw new AppError("invalid", `OLLAMA_DOWNLOAD_URL ${url} is no http, https or file address`);
  if (version !== undefined && !/^\d+\.\d+\.\d+$/.test(version))
    throw new AppError("invalid", `${version} is no version: it looks like 0.50.0`);
  return `${url.replace(/\/+$/, "")}${version === undefined ? "" : `/v${version}`}`;
}

function choose(manifest: Manifest, { version }: UpgradeSource, self: Self, base: string): Upgrade | undefined {
  // A place that serves an old, rightly signed release must not take anybody back unasked.
  if (version !== undefined && manifest.version !== version)
    throw new AppError(
      "forbidden",
      `the release at ${base} is ${manifest.version}, not ${version}; nothing was changed`,
    );
  if (manifest.version === self.version) return undefined;
  if (version === undefined && compareVersions(manifest.version, self.version) < 0)
    throw new AppError(
      "invalid",
      `the newest release there is ${manifest.version}, older than this one (${self.version}); to go back, say --version ${manifest.version}`,
    );
  const artefact = manifest.artefacts.find(({ target }) => target === self.target);
  if (artefact === undefined)
    throw new AppError("not-found", `release ${manifest.version} has no executable for ${self.target}`);
  return { version: manifest.version, artefact, url: `${base}/${artefact.file}` };
}

async function fetchSmall(url: string, signal: AbortSignal): Promise<Uint8Array> {
  const response = await get(url, AbortSignal.any([signal, AbortSignal.timeout(MANIFEST_TIMEOUT_MS)]));
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += chunk.byteLength;
    if (size > MAX_MANIFEST_BYTES) throw new AppError("too-large", `${url} is larger than ${MAX_MANIFEST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function get(url: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  try {
    const response = await fetch(url, { signal });
    if (!response.ok || response.body === null) throw new AppError("not-found", `${url}: HTTP ${response.status}`);
    return response.body;
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("internal", `cannot download ${url}: ${toAppError(error).message}`, { cause: error });
  }
}

/** Resolves with where the replaced executable is kept. `onBytes` is told of packed bytes. */
export async function applyUpgrade(
  upgrade: Upgrade,
  self: Self,
  signal: AbortSignal,
  onBytes: (count: number) => void,
): Promise<string> {
  const temporary = temporaryBeside(self.path);
  try {
    await download(upgrade, temporary, signal, onBytes);
    await chmod(temporary, 0o755);
    await mustStart(temporary, upgrade.version);
    const kept = await keepOld(self.path);
    // Windows does not let go of a running executable's name, but moves it.
    if (process.platform === "win32") await rename(self.path, `${self.path}.old`);
    await rename(temporary, self.path);
    return kept;
  } catch (error) {
    const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
    if (code === "EACCES" || code === "EPERM" || code === "EROFS")
      throw new AppError("forbidden", `${dirname(self.path)} is not writable; run it again with sudo`, {
        cause: error,
      });
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function download(
  { url, artefact }: Upgrade,
  file: string,
  signal: AbortSignal,
  onBytes: (count: number) => void,
): Promise<void> {
  const packed = new Measure(artefact, onBytes);
  const unpacked = new Measure(artefact.unpacked);
  const body = Readable.fromWeb((await get(url, signal)) as never);
  try {
    await pipeline(body, packed, createGunzip(), unpacked, createWriteStream(file, { flags: "wx", mode: 0o600 }), {
      signal,
    });
  } catch (error) {
    if (signal.aborted) throw new AppError("canceled", "canceled; nothing was changed", { cause: error });
    const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
    if (code.startsWith("Z_")) throw damaged(url);
    throw error;
  }
  packed.mustMatch(url);
  unpacked.mustMatch(url);
}

/** Lets bytes through while it counts and hashes them; more than were announced end it. */
class Measure extends Transform {
  readonly #hash = createHash("sha256");
  #bytes = 0;

  constructor(
    private readonly wanted: { readonly sizeBytes: number; readonly sha256: string },
    private readonly onBytes: (count: number) => void = () => {},
  ) {
    super();
  }

  override _transform(chunk: Buffer, _encoding: string, done: (error: Error | null, data?: Buffer) => void): void {
    this.#bytes += chunk.length;
    this.#hash.update(chunk);
    this.onBytes(this.#bytes);
    if (this.#bytes > this.wanted.sizeBytes)
      done(new AppError("invalid", "the download is larger than the release says"));
    else done(null, chunk);
  }

  mustMatch(url: string): void {
    if (this.#hash.digest("hex") === this.wanted.sha256) return;
    throw damaged(url);
  }
}

function damaged(url: string): AppError {
  return new AppError("invalid", `the download from ${url} is damaged (wrong checksum); nothing was changed`);
}

/** An executable for another machine, or one that this system's libraries are too old for, must not take over. */
async function mustStart(file: string, version: string): Promise<void> {
  const child = Bun.spawn([file, "--version"], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: PROOF_TIMEOUT_MS,
  });
  const [output, errors] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  if ((await child.exited) === 0 && output.includes(version)) return;
  const why = errors.trim().split("\n").at(-1) || `exit code ${child.exitCode ?? child.signalCode}`;
  throw new AppError("internal", `the new version does not run here (${why}); nothing was changed`);
}

/** Where install.sh keeps it as well, and where its --rollback looks. */
export function previousDirectory(binary: string): string {
  return join(dirname(dirname(binary)), "lib/ollama-previous");
}

async function keepOld(binary: string): Promise<string> {
  const directory = previousDirectory(binary);
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const kept = join(directory, "ollama");
  await copyFile(binary, kept);
  return kept;
}
