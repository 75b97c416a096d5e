// Upgrading a program that is a shell script here: what is accepted, what is refused, and that a refusal changes nothing.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compareVersions, parseManifest } from "../../src/install/manifest.ts";
import { applyUpgrade, findUpgrade, type Self, type UpgradeSource } from "../../src/install/upgrade.ts";
import { rejection } from "../support/rejection.ts";
import { fakeProgram, type ReleaseServer, serveReleases, writeFakeRelease } from "../support/release-server.ts";

const signer = generateKeyPairSync("ed25519");
const stranger = generateKeyPairSync("ed25519");
const publicKey = signer.publicKey.export({ type: "spki", format: "der" }).toString("base64");
const { signal } = new AbortController();

let work = "";
let server: ReleaseServer;
let self: Self;
let source: UpgradeSource;

beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), "upgrade-"));
  await mkdir(join(work, "bin"));
  self = { path: join(work, "bin/ollama"), version: "0.50.0", target: "linux-x64" };
  await writeFile(self.path, fakeProgram("0.50.0"));
  await chmod(self.path, 0o755);
  release("0.51.0");
  server = serveReleases(join(work, "releases"));
  source = { url: server.url, publicKey, version: undefined };
});

afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await rm(work, { recursive: true, force: true });
});

function release(version: string, { folder = "", key = signer.privateKey, program = fakeProgram(version) } = {}): void {
  writeFakeRelease(join(work, "releases", folder), { version, programs: { "linux-x64": program }, key });
}

async function upgrade(more: Partial<UpgradeSource> = {}): Promise<string | undefined> {
  const found = await findUpgrade({ ...source, ...more }, self, signal);
  return found === undefined ? undefined : applyUpgrade(found, self, signal, () => {});
}

async function refusal(more: Partial<UpgradeSource> = {}): Promise<string> {
  const { message } = await rejection(upgrade(more));
  expect(await readFile(self.path, "utf8")).toBe(fakeProgram("0.50.0"));
  expect(await readdir(join(work, "bin"))).toEqual(["ollama"]);
  return message;
}

test("a signed newer release takes over, and the old program is kept", async () => {
  const kept = await upgrade();
  expect(kept).toBe(join(work, "lib/ollama-previous/ollama"));
  expect(await readFile(self.path, "utf8")).toBe(fakeProgram("0.51.0"));
  expect(await readFile(kept ?? "", "utf8")).toBe(fakeProgram("0.50.0"));
});

test("the same release is nothing to do; an older one must be asked for by name", async () => {
  release("0.50.0");
  expect(await upgrade()).toBeUndefined();
  release("0.49.9");
  expect(await refusal()).toContain("older than this one (0.50.0); to go back, say --version 0.49.9");
  release("0.49.9", { folder: "v0.49.9" });
  expect(await upgrade({ version: "0.49.9" })).toBeString();
});

test("what the publisher did not sign is refused", async () => {
  release("0.51.0", { key: stranger.privateKey });
  expect(await refusal()).toBe("the release is not signed by this program's publisher; nothing was changed");
  release("0.51.0");
  const manifest = join(work, "releases/manifest.json");
  await writeFile(manifest, (await readFile(manifest, "utf8")).replace("0.51.0", "0.52.0"));
  expect(await refusal()).toContain("is not signed");
  await rm(join(work, "releases/manifest.json.sig"));
  expect(await refusal()).toContain("manifest.json.sig: HTTP 404");
});

test("a signed release under another version's address is refused", async () => {
  release("0.51.0", { folder: "v0.52.0" });
  expect(await refusal({ version: "0.52.0" })).toContain("is 0.51.0, not 0.52.0");
});

test.each(["corrupt", "cut", "missing"] as const)("a download that is %s is refused", async (trouble) => {
  server.trouble = trouble;
  await refusal();
});

test("a program that does not start here is refused", async () => {
  release("0.51.0", { program: "#!/bin/sh\necho no such library >&2; exit 127\n" });
  expect(await refusal()).toBe("the new version does not run here (no such library); nothing was changed");
  release("0.51.0", { program: fakeProgram("0.1.0") });
  expect(await refusal()).toContain("does not run here");
});

test("stopping it in the middle changes nothing", async () => {
  server.trouble = "stall";
  const found = await findUpgrade(source, self, signal);
  const aborter = new AbortController();
  const applied = applyUpgrade(found as NonNullable<typeof found>, self, aborter.signal, () => aborter.abort());
  expect((await rejection(applied)).message).toBe("canceled; nothing was changed");
  expect(await readdir(join(work, "bin"))).toEqual(["ollama"]);
});

test("without a key, a place or a build it says so", async () => {
  expect(await refusal({ publicKey: "" })).toContain("this build has no release key");
  expect(await refusal({ url: "" })).toContain("set OLLAMA_DOWNLOAD_URL");
  expect(await refusal({ url: "ftp://x" })).toContain("is no http, https or file address");
  expect(await refusal({ version: "../x" })).toContain("is no version");
  self = { ...self, target: "" };
  expect(await refusal()).toContain("this runs from its source");
  self = { ...self, target: "windows-x64" };
  expect(await refusal()).toBe("release 0.51.0 has no executable for windows-x64");
});

test("a manifest is believed only in its own shape", () => {
  const sized = { sizeBytes: 1, sha256: "0".repeat(64) };
  const good = { format: 1, version: "1.2.3", artefacts: [{ target: "t", file: "f.gz", ...sized, unpacked: sized }] };
  expect(parseManifest(JSON.stringify(good)).artefacts).toHaveLength(1);
  for (const wrong of [
    "{",
    JSON.stringify({ ...good, format: 2 }),
    JSON.stringify({ ...good, version: "latest" }),
    JSON.stringify({ ...good, artefacts: {} }),
    ...["../f", "a/b", "", ".f"].map((file) =>
      JSON.stringify({ ...good, artefacts: [{ ...good.artefacts[0], file }] }),
    ),
    JSON.stringify({ ...good, artefacts: [{ ...good.artefacts[0], sizeBytes: -1 }] }),
    JSON.stringify({ ...good, artefacts: [{ ...good.artefacts[0], unpacked: { ...sized, sha256: "x" } }] }),
  ])
    expect(() => parseManifest(wrong)).toThrow("manifest.json cannot be used");
});

test("versions compare by number", () => {
  expect(["0.9.0", "0.50.0", "0.10.0", "1.0.0"].sort(compareVersions)).toEqual(["0.9.0", "0.10.0", "0.50.0", "1.0.0"]);
});
