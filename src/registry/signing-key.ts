// The ed25519 key that signs in to registries: ~/.ollama/id_ed25519 in OpenSSH form, made on first use, never overwritten.

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { chmod, link, mkdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { temporaryBeside, writeFileAtomic } from "../base/atomic-file.ts";
import { AppError } from "../base/errors.ts";

const MAGIC = "openssh-key-v1\0";
const TYPE = "ssh-ed25519";
/** DER headers that turn 32 raw bytes into keys that node:crypto takes (RFC 8410). */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const MAX_KEY_BYTES = 64 * 1024;

export interface SigningKey {
  /** Base64 of the public key in SSH's wire form, as it stands in the .pub file. */
  readonly publicKey: string;
  /** `<public key>:<signature>`, both base64: the Authorization header of a token request (Ollama: auth/auth.go). */
  sign(text: string): string;
}

/** Reads the key of `homeDir` (`~/.ollama`); makes one where there is none. */
export async function loadSigningKey(homeDir: string): Promise<SigningKey> {
  const path = join(homeDir, "id_ed25519");
  const existing = await readIfThere(path);
  if (existing !== undefined) return keyFrom(decodePrivateKey(existing));
  await mkdir(homeDir, { recursive: true, mode: 0o755 });
  const { privateKey } = generateKeyPairSync("ed25519");
  if (await createOnly(path, encodePrivateKey(privateKey))) {
    const publicLine = `${TYPE} ${wirePublicKey(privateKey).toString("base64")}\n`;
    await writeFileAtomic(`${path}.pub`, publicLine, { mode: 0o644 });
  }
  return keyFrom(decodePrivateKey(await readFile(path, "utf8")));
}

async function readIfThere(path: string): Promise<string | undefined> {
  const file = Bun.file(path);
  if (!(await file.exists())) return undefined;
  if (file.size > MAX_KEY_BYTES) throw new AppError("invalid", `${path} is too large for a private key`);
  return file.text();
}

/** A link refuses an existing name, so two processes that start together end up with one key. */
async function createOnly(path: string, content: string): Promise<boolean> {
  const temporary = temporaryBeside(path);
  try {
    await writeFileAtomic(temporary, content, { mode: 0o600 });
    await chmod(temporary, 0o600);
    await link(temporary, path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw new AppError("internal", `could not create a private key in ${dirname(path)}`, { cause: error });
  } finally {
    await rm(temporary, { force: true });
  }
}

function keyFrom(privateKey: KeyObject): SigningKey {
  const publicKey = wirePublicKey(privateKey).toString("base64");
  return {
    publicKey,
    sign: (text) => `${publicKey}:${sign(null, Buffer.from(text, "utf8"), privateKey).toString("base64")}`,
  };
}

function rawPublicKey(privateKey: KeyObject): Buffer {
  const { x = "" } = createPublicKey(privateKey).export({ format: "jwk" });
  return Buffer.from(x, "base64url");
}

function wirePublicKey(privateKey: KeyObject): Buffer {
  return Buffer.concat([field(TYPE), field(rawPublicKey(privateKey))]);
}

/** SSH's string: a length of four bytes, then the bytes. */
function field(value: string | Uint8Array): Buffer {
  const bytes = typeof value === "string" ? Buffer.from(value, "utf8") : value;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

export function encodePrivateKey(privateKey: KeyObject): string {
  const publicRaw = rawPublicKey(privateKey);
  const { d = "" } = privateKey.export({ format: "jwk" });
  const check = randomBytes(4);
  const secret = Buffer.concat([Buffer.from(d, "base64url"), publicRaw]);
  let inner = Buffer.concat([check, check, field(TYPE), field(publicRaw), field(secret), field("")]);
  for (let pad = 1; inner.length % 8 !== 0; pad++) inner = Buffer.concat([inner, Buffer.from([pad])]);
  const one = Buffer.from([0, 0, 0, 1]);
  const head = Buffer.concat([Buffer.from(MAGIC), field("none"), field("none"), field(""), one]);
  const body = Buffer.concat([head, field(wirePublicKey(privateKey)), field(inner)]).toString("base64");
  const lines = body.match(/.{1,70}/g) ?? [];
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join("\n")}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

/** Only unencrypted ed25519 keys: no other kind can sign in, and there is nobody to ask for a passphrase. */
export function decodePrivateKey(pem: string): KeyObject {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]*?)-----END OPENSSH PRIVATE KEY-----/.exec(pem)?.[1];
  if (body === undefined) throw unusable("it is not in OpenSSH form");
  const bytes = Buffer.from(body, "base64");
  if (bytes.subarray(0, MAGIC.length).toString("latin1") !== MAGIC) throw unusable("it is malformed");
  const outer = new FieldReader(bytes, MAGIC.length);
  if (outer.next().toString("latin1") !== "none") throw unusable("it has a passphrase");
  outer.next();
  outer.next();
  outer.skip(4);
  outer.next();
  const inner = new FieldReader(outer.next(), 8);
  if (inner.next().toString("latin1") !== TYPE) throw unusable("it is not an ed25519 key");
  inner.next();
  const seed = inner.next().subarray(0, 32);
  if (seed.length !== 32) throw unusable("it is malformed");
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
}

function unusable(why: string): AppError {
  return new AppError("invalid", `the private key id_ed25519 cannot be used: ${why}`);
}

class FieldReader {
  constructor(
    readonly bytes: Buffer,
    private offset: number,
  ) {}

  skip(count: number): void {
    this.offset += count;
  }

  next(): Buffer {
    if (this.offset + 4 > this.bytes.length) throw unusable("it is malformed");
    const start = this.offset + 4;
    const end = start + this.bytes.readUInt32BE(this.offset);
    if (end > this.bytes.length) throw unusable("it is malformed");
    this.offset = end;
    return this.bytes.subarray(start, end);
  }
}
