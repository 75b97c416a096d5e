// Pulls over loopback from docker-registry against curl in the same run, and the memory that a large blob takes.

import { createHash } from "node:crypto";
import { createReadStream, mkdtempSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { open, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requireDockerRegistry, startDockerRegistry } from "../test/support/docker-registry.ts";
import { startServer } from "../test/support/server.ts";
import { median } from "./bench-client.ts";

const MODEL_TYPE = "application/vnd.ollama.image.model";
const CONFIG_TYPE = "application/vnd.docker.container.image.v1+json";
const MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json";
const BLOCK_BYTES = 64 * 1024 * 1024;

interface Blob {
  readonly path: string;
  readonly digest: string;
  readonly size: number;
}

/** Bytes that differ from block to block, so that nothing can be told from what came before. */
async function makeBlob(path: string, size: number): Promise<Blob> {
  const hash = createHash("sha256");
  const block = crypto.getRandomValues(new Uint8Array(65_536));
  await using file = await open(path, "w");
  for (let done = 0; done < size;) {
    const chunk = Buffer.alloc(Math.min(BLOCK_BYTES, size - done), block);
    chunk.writeBigUInt64LE(BigInt(done));
    hash.update(chunk);
    await file.writeFile(chunk);
    done += chunk.length;
  }
  return { path, digest: `sha256:${hash.digest("hex")}`, size };
}

async function send(registry: string, { path, digest, size }: Blob): Promise<void> {
  const begun = await fetch(`${registry}/v2/me/big/blobs/uploads/`, { method: "POST", proxy: false });
  const place = new URL(begun.headers.get("location") ?? "", registry);
  place.searchParams.set("digest", digest);
  const put = Bun.spawn(
    ["curl", "-s", "-f", "-X", "PUT", "-H", "content-type: application/octet-stream", "-T", path, place.href],
    { stdin: "ignore", stdout: "ignore", stderr: "inherit" },
  );
  if ((await put.exited) !== 0) throw new Error(`docker-registry did not take ${size} bytes`);
}

async function publish(registry: string, folder: string, size: number): Promise<Blob> {
  const blob = await makeBlob(join(folder, "blob"), size);
  await Bun.write(join(folder, "config"), "{}");
  const config = { path: join(folder, "config"), digest: digestOf("{}"), size: 2 };
  for (const each of [blob, config]) await send(registry, each);
  const layer = (mediaType: string, { digest, size: bytes }: Blob) => ({ mediaType, digest, size: bytes });
  const body = JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: layer(CONFIG_TYPE, config),
    layers: [layer(MODEL_TYPE, blob)],
  });
  const headers = { "content-type": MANIFEST_TYPE };
  const put = await fetch(`${registry}/v2/me/big/manifests/1`, { method: "PUT", headers, body, proxy: false });
  if (!put.ok) throw new Error(`docker-registry did not take the manifest: ${put.status}`);
  return blob;
}

function digestOf(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}

/** Seconds that curl takes for the same bytes onto the same disk; what it wrote is hashed as well where `checks`. */
async function curl(registry: string, { digest }: Blob, target: string, checks: boolean): Promise<number> {
  const startedMs = performance.now();
  const get = Bun.spawn(["curl", "-s", "-f", "-o", target, `${registry}/v2/me/big/blobs/${digest}`], {
    stdin: "ignore",
  });
  if ((await get.exited) !== 0) throw new Error("curl failed");
  if (checks) {
    const hash = createHash("sha256");
    for await (const chunk of createReadStream(target)) hash.update(chunk as Uint8Array);
    if (`sha256:${hash.digest("hex")}` !== digest) throw new Error("curl brought other bytes");
  }
  const seconds = (performance.now() - startedMs) / 1000;
  rmSync(target);
  return seconds;
}

/** Without the pages of the executable, which count as resident once they are used. */
function anonymousBytes(pid: number): number {
  return Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
}

/** Seconds of a pull into an empty store, and how far the server's memory rose meanwhile. */
async function pull(host: string, blob: Blob): Promise<{ seconds: number; roseBytes: number }> {
  await using server = await startServer();
  const ask = async (model: string) => {
    const body = JSON.stringify({ model, insecure: true });
    const answer = await fetch(`${server.baseUrl}/api/pull`, { method: "POST", body, proxy: false });
    return answer.text();
  };
  // What is loaded once is loaded before.
  await ask("127.0.0.1:9/none/none");
  const idle = anonymousBytes(server.pid);
  let most = idle;
  const watch = setInterval(() => (most = Math.max(most, anonymousBytes(server.pid))), 50);
  const startedMs = performance.now();
  const said = await ask(`${host}/me/big:1`);
  const seconds = (performance.now() - startedMs) / 1000;
  clearInterval(watch);
  if (!said.includes('"success"')) throw new Error(said.slice(-500));
  const { size } = await stat(join(server.home.modelsDir, "blobs", blob.digest.replace(":", "-")));
  if (size !== blob.size) throw new Error("the pull brought other bytes");
  return { seconds, roseBytes: most - idle };
}

/** Lines of the report. Needs docker-registry and curl, and disk space for three blobs. */
export async function benchRegistry(rounds: number, size: number): Promise<string[]> {
  requireDockerRegistry();
  const { bavail, bsize } = statfsSync(tmpdir());
  if (bavail * bsize < 4 * size) throw new Error(`the registry part needs ${(4 * size) / 1e9} GB in ${tmpdir()}`);
  const folder = mkdtempSync(join(tmpdir(), "bench-registry-"));
  await using registry = await startDockerRegistry();
  try {
    const origin = `http://${registry.host}`;
    const blob = await publish(origin, folder, size);
    const [plain, checked, ours, rose]: number[][] = [[], [], [], []];
    for (let round = 0; round < rounds; round++) {
      plain?.push(await curl(origin, blob, join(folder, "curl"), false));
      checked?.push(await curl(origin, blob, join(folder, "curl"), true));
      const measured = await pull(registry.host, blob);
      ours?.push(measured.seconds);
      rose?.push(measured.roseBytes);
    }
    const rate = (seconds: readonly number[] = []) => size / 1e6 / median(seconds);
    const share = (other: readonly number[] = []) => `${((rate(ours) / rate(other)) * 100).toFixed(0)} %`;
    return [
      `registry, ${(size / 1e9).toFixed(1)} GB over loopback: pull with digest check ${rate(ours).toFixed(0)} MB/s = ${share(plain)} of curl without one (${rate(plain).toFixed(0)} MB/s), ${share(checked)} of curl and then sha256 (${rate(checked).toFixed(0)} MB/s)`,
      `registry, memory above idle during that pull: ${(Math.max(...(rose ?? [])) / 2 ** 20).toFixed(0)} MiB`,
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
