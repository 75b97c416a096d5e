// Debian's docker-registry on loopback, with a store of its own: the real thing to pull from and push to.

import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./server.ts";

const PROGRAM = "/usr/bin/docker-registry";
const START_MS = 15_000;
const POLL_MS = 25;

export interface DockerRegistry extends AsyncDisposable {
  readonly host: string;
  readonly folder: string;
}

export interface DockerRegistryOptions {
  readonly certificate?: { readonly certPath: string; readonly keyPath: string };
  /** Another registry, whose content it hands on and keeps. */
  readonly remoteUrl?: string;
  readonly token?: {
    readonly realm: string;
    readonly service: string;
    readonly issuer: string;
    readonly certPath: string;
  };
}

/** Installs the package where that is possible, else throws saying what to do. */
export function requireDockerRegistry(): void {
  if (existsSync(PROGRAM)) return;
  if (process.getuid?.() !== 0)
    throw new Error("install the package docker-registry first: apt-get install docker-registry");
  for (const args of [["update"], ["install", "-y", "docker-registry"]]) {
    Bun.spawnSync(["apt-get", ...args], { env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
  }
  if (!existsSync(PROGRAM)) throw new Error("apt-get could not install docker-registry");
}

export async function startDockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const folder = await mkdtemp(join(tmpdir(), "docker-registry-"));
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  const { certificate, token, remoteUrl } = options;
  const lines = [
    "version: 0.1",
    "log: {level: error}",
    `storage: {filesystem: {rootdirectory: ${join(folder, "store")}}}`,
    "http:",
    `  addr: ${host}`,
    "  relativeurls: true",
    ...(certificate === undefined
      ? []
      : [`  tls: {certificate: ${certificate.certPath}, key: ${certificate.keyPath}}`]),
    ...(remoteUrl === undefined ? [] : [`proxy: {remoteurl: ${remoteUrl}}`]),
    ...(token === undefined
      ? []
      : [
          `auth: {token: {realm: "${token.realm}", service: ${token.service}, issuer: ${token.issuer}, rootcertbundle: ${token.certPath}}}`,
        ]),
  ];
  const config = join(folder, "config.yml");
  await writeFile(config, `${lines.join("\n")}\n`);
  const child = Bun.spawn([PROGRAM, "serve", config], { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await child.exited;
    await rm(folder, { recursive: true, force: true });
  };
  const url = `${certificate === undefined ? "http" : "https"}://${host}/v2/`;
  const endMs = Date.now() + START_MS;
  for (;;) {
    const answer = await fetch(url, { proxy: false, tls: { rejectUnauthorized: false } }).catch(() => undefined);
    if (answer !== undefined) break;
    if (child.exitCode !== null || Date.now() > endMs) {
      await stop();
      throw new Error("docker-registry did not start");
    }
    await Bun.sleep(POLL_MS);
  }
  return { host, folder, [Symbol.asyncDispose]: stop };
}
