// A release as it is published: manifest.json names its files with sizes and hashes, manifest.json.sig signs those bytes.
// Nothing of a release is used before both have been checked.

import { createPublicKey, verify } from "node:crypto";
import { AppError } from "../base/errors.ts";

export interface Artefact {
  readonly target: string;
  /** The executable, packed with gzip, beside the manifest. */
  readonly file: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Of the executable itself. */
  readonly unpacked: { readonly sizeBytes: number; readonly sha256: string };
}

export interface Manifest {
  readonly version: string;
  readonly artefacts: readonly Artefact[];
}

const FORMAT = 1;
const MAX_EXECUTABLE_BYTES = 2 * 1024 ** 3;

/** `key` is base64 of the SPKI form, the signature base64 of 64 bytes. Throws `forbidden` unless that key signed these bytes. */
export function checkSignature(bytes: Uint8Array, signature: string, key: string): void {
  const publicKey = createPublicKey({ key: Buffer.from(key, "base64"), format: "der", type: "spki" });
  if (verify(null, bytes, publicKey, Buffer.from(signature.trim(), "base64"))) return;
  throw new AppError("forbidden", "the release is not signed by this program's publisher; nothing was changed");
}

export function parseManifest(text: string): Manifest {
  const wrong = (why: string) => new AppError("invalid", `the release's manifest.json cannot be used: ${why}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong("it is not JSON");
  }
  const root = record(value);
  if (root["format"] !== FORMAT)
    throw wrong(`it has format ${String(root["format"])}, and this version knows ${FORMAT}`);
  const { version, artefacts } = root;
  if (typeof version !== "string" || !/^\d+\.\d+\.\d+$/.test(version)) throw wrong("it names no version");
  if (!Array.isArray(artefacts)) throw wrong("it lists no files");
  return { version, artefacts: artefacts.map((entry) => parseArtefact(record(entry), wrong)) };
}

function parseArtefact(entry: Readonly<Record<string, unknown>>, wrong: (why: string) => AppError): Artefact {
  const unpacked = record(entry["unpacked"]);
  const { target, file } = entry;
  if (typeof target !== "string") throw wrong("a file is for no target");
  // A plain name: it becomes part of an address.
  if (typeof file !== "string" || !/^[\w][\w.+-]*$/.test(file)) throw wrong(`${target} has no usable file name`);
  return { target, file, ...sized(entry, target, wrong), unpacked: sized(unpacked, target, wrong) };
}

function sized(
  { sizeBytes, sha256 }: Readonly<Record<string, unknown>>,
  target: string,
  wrong: (why: string) => AppError,
): { sizeBytes: number; sha256: string } {
  if (
    typeof sizeBytes !== "number" ||
    !Number.isSafeInteger(sizeBytes) ||
    sizeBytes <= 0 ||
    sizeBytes > MAX_EXECUTABLE_BYTES
  )
    throw wrong(`${target} has no usable size`);
  if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256)) throw wrong(`${target} has no SHA-256`);
  return { sizeBytes, sha256 };
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

/** Below 0: `left` is older. Both are three numbers. */
export function compareVersions(left: string, right: string): number {
  const parts = (version: string) => version.split(".").map(Number);
  const [a, b] = [parts(left), parts(right)];
  for (let i = 0; i < 3; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
