// The key file: made once, with the right modes, in the form that OpenSSH and Ollama read.

import { expect, test } from "bun:test";
import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodePrivateKey, encodePrivateKey, loadSigningKey } from "../../src/registry/signing-key.ts";
import { messageOf } from "./pulling.ts";

/** Made by `ssh-keygen -t ed25519 -N ""` for this test; it opens nothing. */
const FROM_SSH_KEYGEN = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACD4vZnU1o6p3a8vQLwfbzwt6kEFZBXBYjLCwsfVV4QmDwAAAIgQZJRXEGSU
VwAAAAtzc2gtZWQyNTUxOQAAACD4vZnU1o6p3a8vQLwfbzwt6kEFZBXBYjLCwsfVV4QmDw
AAAEDXvLbVU6+/pdwa4CjfEWNJhVHP8gxOe9teUYzBROZ/Bvi9mdTWjqndry9AvB9vPC3q
QQVkFcFiMsLCx9VXhCYPAAAAAAECAwQF
-----END OPENSSH PRIVATE KEY-----
`;
const PUBLIC_OF_IT = "AAAAC3NzaC1lZDI1NTE5AAAAIPi9mdTWjqndry9AvB9vPC3qQQVkFcFiMsLCx9VXhCYP";

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "key-test-"));
  try {
    await use(join(folder, ".ollama"));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test("the first use makes the key pair, private 0600 and public 0644, and later uses read it", () =>
  inFolder(async (home) => {
    const keys = await Promise.all([loadSigningKey(home), loadSigningKey(home)]);
    const again = await loadSigningKey(home);
    expect(new Set([...keys, again].map((key) => key.publicKey)).size).toBe(1);
    expect((await stat(join(home, "id_ed25519"))).mode & 0o777).toBe(0o600);
    expect((await stat(join(home, "id_ed25519.pub"))).mode & 0o777).toBe(0o644);
    expect(await readFile(join(home, "id_ed25519.pub"), "utf8")).toBe(`ssh-ed25519 ${again.publicKey}\n`);
  }));

test("a key that ssh-keygen made is read, and its signatures verify with its public key", () =>
  inFolder(async (home) => {
    await loadSigningKey(home);
    await writeFile(join(home, "id_ed25519"), FROM_SSH_KEYGEN);
    const key = await loadSigningKey(home);
    expect(key.publicKey).toBe(PUBLIC_OF_IT);
    const [publicKey, signature = ""] = key.sign("GET,https://x/").split(":");
    expect(publicKey).toBe(PUBLIC_OF_IT);
    const raw = Buffer.from(PUBLIC_OF_IT, "base64").subarray(-32);
    const jwk = { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") };
    const isTrue = verify(
      null,
      Buffer.from("GET,https://x/"),
      createPublicKey({ key: jwk, format: "jwk" }),
      Buffer.from(signature, "base64"),
    );
    expect(isTrue).toBe(true);
  }));

test("what is written is read back as the same key", () => {
  const { privateKey } = generateKeyPairSync("ed25519");
  const text = encodePrivateKey(privateKey);
  expect(decodePrivateKey(text).export({ format: "jwk" })).toEqual(privateKey.export({ format: "jwk" }));
});

test.each([
  "",
  "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
  FROM_SSH_KEYGEN.slice(0, 120),
])("a broken key file says so and is not replaced", (content) =>
  inFolder(async (home) => {
    await loadSigningKey(home);
    await writeFile(join(home, "id_ed25519"), content);
    expect(await messageOf(loadSigningKey(home))).toMatch(/^the private key id_ed25519 cannot be used: /);
    expect(await readFile(join(home, "id_ed25519"), "utf8")).toBe(content);
  }),
);
