// The private file of engines elsewhere: which origins this machine may speak to, and with what key. It is the allow list
// and the key store at once, so that no key can be sent to a place nobody allowed. Only its owner may read it.

import { chmod, readFile, stat } from "node:fs/promises";
import { writeFileAtomic } from "../base/atomic-file.ts";
import { AppError } from "../base/errors.ts";

export interface AllowedRemote {
  /** scheme://host[:port], as URLs spell it. */
  readonly origin: string;
  readonly key?: string;
  /** The environment variable of the server that holds the key. */
  readonly keyEnv?: string;
  /** Certificate authorities to trust for this origin instead of the system's, as PEM text. */
  readonly ca?: string;
}

const PRIVATE = 0o600;
const MAX_BYTES = 4 * 1024 * 1024;
const MAX_KEY_LENGTH = 8192;

/** No file means that nothing is allowed. Throws `forbidden` for a file that others can read, `invalid` for a broken one. */
export async function readAllowed(path: string): Promise<AllowedRemote[]> {
  const facts = await stat(path).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw new AppError("forbidden", `${path} cannot be read; it holds the allowed remote hosts`, { cause: error });
  });
  if (facts === undefined) return [];
  if (process.platform !== "win32" && (facts.mode & 0o077) !== 0)
    throw new AppError("forbidden", `${path} holds keys and can be read by others; run: chmod 600 ${path}`);
  if (facts.size > MAX_BYTES) throw new AppError("invalid", `${path} is too large to be a list of remote hosts`);
  return parseAllowed(await readFile(path, "utf8"), path);
}

export async function writeAllowed(path: string, remotes: readonly AllowedRemote[]): Promise<void> {
  const rows = remotes.map(({ origin, key, keyEnv, ca }) => ({ host: origin, key, key_env: keyEnv, ca }));
  await writeFileAtomic(path, `${JSON.stringify({ remotes: rows }, null, 2)}\n`, {
    mode: PRIVATE,
    directoryMode: 0o700,
  });
  await chmod(path, PRIVATE);
}

/** Throws `invalid` for what can be no key: it would break the header it is sent in. */
export function checkedKey(text: string): string {
  const key = text.trim();
  if (key === "") throw new AppError("invalid", "the key is empty");
  if (key.length > MAX_KEY_LENGTH || !/^[\x21-\x7e]+$/.test(key))
    throw new AppError("invalid", "the key must be one word of printable ASCII characters");
  return key;
}

export function checkedVariable(name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    throw new AppError("invalid", `${JSON.stringify(name)} is no name of an environment variable`);
  return name;
}

export function checkedAuthority(pem: string): string {
  if (!/-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----/.test(pem))
    throw new AppError("invalid", "the file for --ca holds no certificate in PEM form");
  return pem;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

function parseAllowed(text: string, path: string): AllowedRemote[] {
  const broken = (cause?: unknown) =>
    new AppError("invalid", `${path} is damaged; remove it and allow the hosts again with: ollama remote allow`, {
      cause,
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw broken(error);
  }
  const rows = typeof value === "object" && value !== null && "remotes" in value ? value.remotes : undefined;
  if (!Array.isArray(rows)) throw broken();
  return rows.map((row: unknown) => {
    const remote = parseRow(row);
    if (remote === undefined) throw broken();
    return remote;
  });
}

function parseRow(row: unknown): AllowedRemote | undefined {
  if (typeof row !== "object" || row === null) return undefined;
  const fields = row as Record<string, unknown>;
  const text = (name: string): string | undefined => {
    const value = fields[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const [origin, key, keyEnv, ca] = [text("host"), text("key"), text("key_env"), text("ca")];
  if (origin === undefined || URL.parse(origin) === null) return undefined;
  return {
    origin: new URL(origin).origin,
    ...(key === undefined ? {} : { key }),
    ...(keyEnv === undefined ? {} : { keyEnv }),
    ...(ca === undefined ? {} : { ca }),
  };
}
