// The executable with others at its models: two servers on one store, one machine's models for another, a local file
// without a second copy, and the store on its way to another disk.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CONFIG_TYPE, mediaTypeOf } from "../../src/models/manifest.ts";
import { ModelName } from "../../src/models/name.ts";
import { ModelStore } from "../../src/models/store.ts";
import { type DockerRegistry, requireDockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import { type FaultProxy, faultProxy } from "../support/fault-proxy.ts";
import { runProgram } from "../support/program.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { tempHome } from "../support/temp-home.ts";
import { tinyGguf } from "../support/tiny-gguf.ts";

const WEIGHTS_BYTES = 60_000_000;
const LIMIT_MS = 60_000;
/** What the proxy has handed on when the first of two servers is killed. */
const KILL_AT_BYTES = 45e6;
/** How often a part's progress is written down (registry/transfer.ts). */
const CHECKPOINT_BYTES = 1.4e6;

let sharer: TestServer;
let proxy: FaultProxy;

beforeAll(async () => {
  requireDockerRegistry();
  sharer = await startServer({ env: { OLLAMA_SHARE_REGISTRY: "1" } });
  await storeModel(sharer.home.modelsDir, "big", randomBytes(WEIGHTS_BYTES));
  proxy = faultProxy(sharer.baseUrl);
}, 60_000);

afterAll(async () => {
  proxy[Symbol.dispose]();
  await sharer[Symbol.asyncDispose]();
});

async function storeModel(directory: string, name: string, weights: Uint8Array): Promise<void> {
  const store = new ModelStore(directory);
  await store.open();
  const layer = await store.blobs.put(weights);
  const config = await store.blobs.put('{"model_format":"gguf"}');
  await store.write(ModelName.parse(name), {
    config: { mediaType: CONFIG_TYPE, digest: config.digest, size: config.size },
    layers: [{ mediaType: mediaTypeOf("model"), digest: layer.digest, size: layer.size }],
  });
}

async function pull({ baseUrl }: Pick<TestServer, "baseUrl">, model: string): Promise<string> {
  const body = JSON.stringify({ model, insecure: true });
  const response = await fetch(`${baseUrl}/api/pull`, { method: "POST", body, proxy: false });
  return (await response.text()).trim().split("\n").at(-1) ?? "";
}

async function expectWhole(directory: string, name: string, count = 2): Promise<void> {
  const store = new ModelStore(directory);
  const model = await store.find(ModelName.parse(name));
  const digests = [...(model?.manifest.layers ?? []), ...(model === undefined ? [] : [model.manifest.config])];
  expect(digests.length).toBe(count);
  for (const { digest } of digests) expect(await store.blobs.verify(digest)).toBe(true);
}

test(
  "another instance pulls from this one, and a docker-registry mirrors it",
  async () => {
    await using puller = await startServer();
    const name = `127.0.0.1:${sharer.port}/library/big:latest`;
    expect(await pull(puller, name)).toBe('{"status":"success"}');
    await expectWhole(puller.home.modelsDir, name);
    await using mirror: DockerRegistry = await startDockerRegistry({ remoteUrl: sharer.baseUrl });
    const mirrored = `${mirror.host}/library/big:latest`;
    expect(await pull(puller, mirrored)).toBe('{"status":"success"}');
    const store = new ModelStore(puller.home.modelsDir);
    const [here, there] = await Promise.all(
      [name, mirrored].map((each) => readFile(store.manifestPath(ModelName.parse(each)))),
    );
    expect(here).toEqual(there);
  },
  LIMIT_MS,
);

test(
  "two servers on one store fetch a model once, and when one is killed the other goes on",
  async () => {
    await using home = await tempHome();
    const env = { HOME: home.path, OLLAMA_MODELS: home.modelsDir, OLLAMA_DOWNLOAD_LIMIT: "40MB/s" };
    await using first = await startServer({ env });
    await using second = await startServer({ env });
    const name = `${proxy.host}/library/big:latest`;
    proxy.blobBytes = 0;
    const doomed = pull(first, name).catch(() => "killed");
    while (proxy.blobBytes < 5e6) await Bun.sleep(5);
    const lasting = pull(second, name);
    while (proxy.blobBytes < KILL_AT_BYTES) await Bun.sleep(5);
    await first.kill();
    const handedOn = proxy.blobBytes;
    await doomed;
    expect(await lasting).toBe('{"status":"success"}');
    await expectWhole(home.modelsDir, name);
    // Beginning anew would fetch all of it. How much was saved cannot be told from here: what the proxy has handed on may
    // still have stood in the buffers of four connections when the reader died.
    expect(proxy.blobBytes - handedOn).toBeLessThan(WEIGHTS_BYTES - CHECKPOINT_BYTES);
    expect((await readdir(join(home.modelsDir, "blobs"))).filter((file) => file.includes("partial"))).toEqual([]);
  },
  LIMIT_MS,
);

test(
  "create uses the file where it lies and the model answers; a changed file is named by every way to the model",
  async () => {
    await using server = await startServer();
    const path = join(server.home.path, "tiny.gguf");
    await writeFile(path, tinyGguf("llama"));
    await writeFile(join(server.home.path, "Modelfile"), "FROM ./tiny.gguf\n");
    const made = await runProgram(["create", "tiny", "-f", join(server.home.path, "Modelfile")], { env: server.env });
    expect([made.exit, made.stderr]).toEqual([0, expect.stringContaining("without a copy")]);
    const ask = async () => {
      const body = JSON.stringify({ model: "tiny", prompt: "a", stream: false, options: { num_predict: 2 } });
      const answer = await fetch(`${server.baseUrl}/api/generate`, { method: "POST", body, proxy: false });
      return answer.text();
    };
    expect(await ask()).toContain('"done":true');
    if (!made.stderr.includes("as a hard link")) return;
    const bytes = await readFile(path);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await writeFile(path, bytes);
    // The model is loaded, and is asked again all the same.
    expect(await ask()).toContain(`uses the file ${path} without a copy, and that file was changed since`);
    const removed = await runProgram(["rm", "tiny"], { env: server.env });
    expect(removed.exit).toBe(0);
    expect((await stat(path)).nlink).toBe(1);
    expect(await readFile(path)).toEqual(bytes);
  },
  LIMIT_MS,
);

const OTHER_DISK = "/dev/shm";
const hasOtherDisk = existsSync(OTHER_DISK) && statSync(OTHER_DISK).dev !== statSync(tmpdir()).dev;

test.skipIf(!hasOtherDisk)(
  "mv-models refuses beside a server, and moves the models to another disk whole",
  async () => {
    const target = await mkdtemp(join(OTHER_DISK, "mv-models-"));
    try {
      await using home = await tempHome();
      let env: Readonly<Record<string, string>>;
      {
        await using server = await startServer({ env: { HOME: home.path, OLLAMA_MODELS: home.modelsDir } });
        env = server.env;
        await storeModel(home.modelsDir, "big", randomBytes(WEIGHTS_BYTES));
        await storeModel(home.modelsDir, "small", tinyGguf("llama"));
        const elsewhere = { ...env, OLLAMA_HOST: "127.0.0.1:9" };
        const refused = await runProgram(["mv-models", join(target, "m")], { env: elsewhere });
        expect([refused.exit, refused.stderr]).toEqual([1, expect.stringContaining("a server is using the models in")]);
      }
      const { exit, stdout } = await runProgram(["mv-models", join(target, "m")], { env });
      expect([exit, stdout]).toEqual([0, expect.stringContaining(`OLLAMA_MODELS=${join(target, "m")}`)]);
      await expectWhole(join(target, "m"), "big");
      expect(existsSync(home.modelsDir)).toBe(false);
      await using again = await startServer({ env: { HOME: home.path, OLLAMA_MODELS: join(target, "m") } });
      const listed = await runProgram(["list"], { env: again.env });
      expect(listed.stdout).toContain("small:latest");
    } finally {
      await rm(target, { recursive: true, force: true });
    }
  },
  LIMIT_MS,
);
